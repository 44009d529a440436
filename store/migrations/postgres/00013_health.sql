-- +goose Up
-- Streaks of requests that were turned away at a connection's door.
CREATE TABLE denials (
    tenant_id  text COLLATE "C" NOT NULL,
    connection text COLLATE "C" NOT NULL,
    status     integer NOT NULL,
    requests   bigint NOT NULL,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, connection, status),
    FOREIGN KEY (tenant_id, connection) REFERENCES connections ON DELETE CASCADE
);
