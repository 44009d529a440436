-- +goose Up
-- For the list of a connection's tokens, and for its deletion.
CREATE INDEX tokens_connection ON tokens (tenant_id, connection, kind, id);
