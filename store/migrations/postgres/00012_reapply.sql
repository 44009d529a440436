-- +goose Up
-- Connections whose people are looked at again, since mapping or scope changed, and how far that is.
CREATE TABLE reapplies (
    tenant_id  text COLLATE "C" NOT NULL,
    connection text COLLATE "C" NOT NULL,
    before     json NOT NULL, -- the settings that applied until then
    after_id   text COLLATE "C" NOT NULL, -- the user up to whom it has been done
    checked    bigint NOT NULL,
    changed    bigint NOT NULL,
    started_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, connection),
    FOREIGN KEY (tenant_id, connection) REFERENCES connections ON DELETE CASCADE
);
