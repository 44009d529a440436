-- +goose Up
-- Streaks of requests that were turned away at a connection's door.
CREATE TABLE denials (
    tenant_id  TEXT NOT NULL,
    connection TEXT NOT NULL,
    status     INTEGER NOT NULL,
    requests   INTEGER NOT NULL,
    first_at   TIMESTAMP NOT NULL,
    last_at    TIMESTAMP NOT NULL,
    PRIMARY KEY (tenant_id, connection, status),
    FOREIGN KEY (tenant_id, connection) REFERENCES connections ON DELETE CASCADE
);
