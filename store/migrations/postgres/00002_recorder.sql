-- +goose Up
-- What a connection's directory sent, without what is personal or secret. The key makes the names that stand in its place;
-- '' while nothing is recorded.
ALTER TABLE connections ADD COLUMN recorder_key text NOT NULL DEFAULT '';

CREATE TABLE exchanges (
    tenant_id   text COLLATE "C" NOT NULL,
    connection  text COLLATE "C" NOT NULL,
    id          text COLLATE "C" NOT NULL,
    line        text NOT NULL,
    PRIMARY KEY (tenant_id, connection, id)
);
