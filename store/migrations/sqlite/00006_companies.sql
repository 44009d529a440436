-- +goose Up
ALTER TABLE connections ADD COLUMN description TEXT NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN notes TEXT NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN paused_at TIMESTAMP;
ALTER TABLE connections ADD COLUMN paused_by TEXT NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';

-- What a directory calls the company, and its folded form; '' for none.
ALTER TABLE contacts ADD COLUMN directory_company TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN company_key TEXT NOT NULL DEFAULT '';
CREATE INDEX contacts_company_key ON contacts (tenant_id, company_key, domain) WHERE company_key <> '';
-- The domains whose ambiguity may end at any time.
CREATE INDEX contacts_ambiguous ON contacts (tenant_id, domain) WHERE company_reason = 'ambiguous_contacts';

-- Domains whose contacts wait to be mapped to companies anew.
CREATE TABLE rescans (
    tenant_id  TEXT NOT NULL REFERENCES tenants,
    domain     TEXT NOT NULL, -- '' for contacts without one
    after_id   TEXT NOT NULL, -- id of the contact up to which it has been done
    decided    BOOLEAN NOT NULL,
    listed     TEXT NOT NULL,
    company_id TEXT NOT NULL,
    reason     TEXT NOT NULL,
    PRIMARY KEY (tenant_id, domain)
);

CREATE TABLE rescan_progress (
    tenant_id   TEXT NOT NULL PRIMARY KEY REFERENCES tenants,
    started_at  TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    checked     INTEGER NOT NULL,
    changed     INTEGER NOT NULL
);
