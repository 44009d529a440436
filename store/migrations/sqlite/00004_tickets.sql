-- +goose Up
-- No foreign key to contacts: a ticket stays, without what is personal, when its contact is erased.
CREATE TABLE tickets (
    tenant_id        TEXT NOT NULL REFERENCES tenants,
    id               TEXT NOT NULL,
    contact_id       TEXT NOT NULL,
    subject          TEXT NOT NULL,
    status           TEXT NOT NULL,
    spam             BOOLEAN NOT NULL,
    spam_by_deletion BOOLEAN NOT NULL,
    created_at       TIMESTAMP NOT NULL,
    modified_at      TIMESTAMP NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX tickets_contact ON tickets (tenant_id, contact_id, id);
CREATE INDEX tickets_status ON tickets (tenant_id, status, id);
