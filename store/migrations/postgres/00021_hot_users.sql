-- +goose Up
-- A user changes often in what no index knows: the resource, and whether it is active. Where a page has room, PostgreSQL then leaves all
-- indexes alone.
DROP INDEX directory_users_sync;
CREATE INDEX directory_users_sync ON directory_users (tenant_id, connection, contact_id);
ALTER TABLE directory_users SET (fillfactor = 75);
ALTER TABLE contacts SET (fillfactor = 90);
