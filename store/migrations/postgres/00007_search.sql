-- +goose Up
-- The pieces of three letters or digits of all search keys, by tenant. Both extensions are PostgreSQL's own, and may be created by
-- who may create tables in the database.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE INDEX contacts_search ON contacts USING gin (tenant_id, search_key gin_trgm_ops);

-- Active contacts that are without a company, though not by hand: counted by domain.
CREATE INDEX contacts_blank ON contacts (tenant_id, domain) WHERE domain > '' AND status = 'active' AND company_id = '' AND company_reason <> 'manual';

CREATE INDEX contacts_deleted_domain ON contacts (tenant_id, domain, id) WHERE status = 'deleted';
CREATE INDEX contacts_deleted_company ON contacts (tenant_id, company_id, id) WHERE status = 'deleted';
CREATE INDEX tickets_contact_status ON tickets (tenant_id, contact_id, status, id);
