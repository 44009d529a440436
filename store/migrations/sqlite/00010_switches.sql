-- +goose Up
-- A user that the connection's settings hold back has no contact, or does not hold it active. (SQLite cannot take NOT NULL off
-- a column.)
CREATE TABLE directory_users_new (
    tenant_id     TEXT NOT NULL,
    connection    TEXT NOT NULL,
    id            TEXT NOT NULL,
    contact_id    TEXT,
    active        BOOLEAN NOT NULL,
    held          TEXT NOT NULL,
    resource      TEXT NOT NULL,
    folded        TEXT, -- the resource with folded strings, where it is not all ASCII
    version       INTEGER NOT NULL,
    created_at    TIMESTAMP NOT NULL,
    modified_at   TIMESTAMP NOT NULL,
    external_id   TEXT,
    user_name_key TEXT NOT NULL,
    PRIMARY KEY (tenant_id, connection, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts
);
INSERT INTO directory_users_new SELECT tenant_id, connection, id, contact_id, active, '', resource, folded, version, created_at, modified_at, external_id, user_name_key
    FROM directory_users;
DROP TABLE directory_users;
ALTER TABLE directory_users_new RENAME TO directory_users;
CREATE UNIQUE INDEX directory_users_external_id ON directory_users (tenant_id, external_id, connection) WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX directory_users_user_name ON directory_users (tenant_id, connection, user_name_key);
CREATE UNIQUE INDEX directory_users_contact ON directory_users (tenant_id, contact_id, connection);
CREATE INDEX directory_users_held ON directory_users (tenant_id, connection, id) WHERE held <> '';
CREATE INDEX directory_users_held_for ON directory_users (tenant_id, connection, held, id) WHERE held <> '';

-- What the guard against mass deactivation counts, and since when.
CREATE INDEX events_deactivations ON events (tenant_id, connection, id) WHERE outcome IN ('deactivated', 'deleted');
ALTER TABLE connections ADD COLUMN resumed_at TIMESTAMP;
