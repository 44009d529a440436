-- +goose Up
-- A user that the connection's settings hold back has no contact, or does not hold it active.
ALTER TABLE directory_users ALTER COLUMN contact_id DROP NOT NULL;
ALTER TABLE directory_users ADD COLUMN held text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX directory_users_held ON directory_users (tenant_id, connection, id) WHERE held <> '';
CREATE INDEX directory_users_held_for ON directory_users (tenant_id, connection, held, id) WHERE held <> '';

-- What the guard against mass deactivation counts, and since when.
CREATE INDEX events_deactivations ON events (tenant_id, connection, id) WHERE outcome IN ('deactivated', 'deleted');
ALTER TABLE connections ADD COLUMN resumed_at timestamptz;
