-- +goose Up
-- How long a request took, and the log by what was done, by SCIM id and by request.
ALTER TABLE events ADD COLUMN microseconds INTEGER NOT NULL DEFAULT 0;
CREATE INDEX events_outcome ON events (tenant_id, connection, operation, outcome, id);
CREATE INDEX events_user ON events (tenant_id, connection, user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX events_request ON events (tenant_id, connection, request_id, id) WHERE request_id <> '';
DROP INDEX events_subject;
CREATE INDEX events_subject ON events (tenant_id, subject_key, id) WHERE subject_key <> '';

-- The bursts in which a directory's requests come.
CREATE TABLE cycles (
    tenant_id   TEXT NOT NULL,
    connection  TEXT NOT NULL,
    id          TEXT NOT NULL,
    started_at  TIMESTAMP NOT NULL,
    ended_at    TIMESTAMP NOT NULL,
    outcomes    TEXT, -- how many events of each outcome
    unchanged   INTEGER NOT NULL,
    lookups     INTEGER NOT NULL,
    errors      INTEGER NOT NULL,
    settled     BOOLEAN NOT NULL,
    PRIMARY KEY (tenant_id, connection, id)
);
CREATE INDEX cycles_unsettled ON cycles (tenant_id, connection, id) WHERE NOT settled;

-- What one server process at a time does again and again. tenant_id is '': jobs are for all tenants.
CREATE TABLE jobs (
    tenant_id   TEXT NOT NULL,
    name        TEXT NOT NULL,
    holder      TEXT NOT NULL, -- the process that does it
    held_until  TIMESTAMP NOT NULL, -- unless the holder says so again
    due_at      TIMESTAMP NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
