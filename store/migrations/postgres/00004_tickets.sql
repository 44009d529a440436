-- +goose Up
-- No foreign key to contacts: a ticket stays, without what is personal, when its contact is erased.
CREATE TABLE tickets (
    tenant_id        text COLLATE "C" NOT NULL REFERENCES tenants,
    id               text COLLATE "C" NOT NULL,
    contact_id       text COLLATE "C" NOT NULL,
    subject          text NOT NULL,
    status           text COLLATE "C" NOT NULL,
    spam             boolean NOT NULL,
    spam_by_deletion boolean NOT NULL,
    created_at       timestamptz NOT NULL,
    modified_at      timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX tickets_contact ON tickets (tenant_id, contact_id, id);
CREATE INDEX tickets_status ON tickets (tenant_id, status, id);
