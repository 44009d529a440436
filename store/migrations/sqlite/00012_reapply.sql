-- +goose Up
-- Connections whose people are looked at again, since mapping or scope changed, and how far that is.
CREATE TABLE reapplies (
    tenant_id  TEXT NOT NULL,
    connection TEXT NOT NULL,
    before     TEXT NOT NULL, -- the settings that applied until then
    after_id   TEXT NOT NULL, -- the user up to whom it has been done
    checked    INTEGER NOT NULL,
    changed    INTEGER NOT NULL,
    started_at TIMESTAMP NOT NULL,
    PRIMARY KEY (tenant_id, connection),
    FOREIGN KEY (tenant_id, connection) REFERENCES connections ON DELETE CASCADE
);
