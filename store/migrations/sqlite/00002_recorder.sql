-- +goose Up
-- What a connection's directory sent, without what is personal or secret. The key makes the names that stand in its place;
-- '' while nothing is recorded.
ALTER TABLE connections ADD COLUMN recorder_key TEXT NOT NULL DEFAULT '';

CREATE TABLE exchanges (
    tenant_id   TEXT NOT NULL,
    connection  TEXT NOT NULL,
    id          TEXT NOT NULL,
    line        TEXT NOT NULL,
    PRIMARY KEY (tenant_id, connection, id)
) WITHOUT ROWID;
