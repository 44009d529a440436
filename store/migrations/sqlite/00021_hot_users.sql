-- +goose Up
-- A user changes often in what no index knows: the resource, and whether it is active.
DROP INDEX directory_users_sync;
CREATE INDEX directory_users_sync ON directory_users (tenant_id, connection, contact_id);
