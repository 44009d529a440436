-- +goose Up
-- How many directories have a user for the contact, and how many an inactive one.
ALTER TABLE contacts ADD COLUMN directories INTEGER NOT NULL DEFAULT 0;
ALTER TABLE contacts ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;
UPDATE contacts SET directories = n.users, disabled = n.inactive
    FROM (SELECT tenant_id, contact_id, count(*) AS users, count(*) FILTER (WHERE NOT active) AS inactive FROM directory_users WHERE contact_id IS NOT NULL GROUP BY tenant_id, contact_id) AS n
    WHERE n.tenant_id = contacts.tenant_id AND n.contact_id = contacts.id;

-- Contacts in no directory, and those that a directory adopted.
CREATE INDEX contacts_unsynced ON contacts (tenant_id, status, id) WHERE directories = 0;
CREATE INDEX contacts_verified ON contacts (tenant_id, status, id) WHERE verified_at IS NOT NULL;
-- Contacts of whom directory and helpdesk say different things.
CREATE INDEX contacts_disabled ON contacts (tenant_id, id) WHERE status = 'active' AND disabled > 0;
CREATE INDEX contacts_enabled ON contacts (tenant_id, id) WHERE status = 'deleted' AND disabled < directories;
-- The contacts of each connection's users, active or not.
CREATE INDEX directory_users_sync ON directory_users (tenant_id, connection, active, contact_id);

-- Deleted contacts by deletion, and a company's contacts by status.
CREATE INDEX contacts_deleted_at ON contacts (tenant_id, deleted_at, id) WHERE status = 'deleted';
DROP INDEX contacts_company;
DROP INDEX contacts_deleted_company;
CREATE INDEX contacts_company ON contacts (tenant_id, company_id, status, id) WHERE company_id <> '';
