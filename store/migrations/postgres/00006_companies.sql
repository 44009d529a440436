-- +goose Up
ALTER TABLE connections ADD COLUMN description text NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN notes text NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN paused_at timestamptz;
ALTER TABLE connections ADD COLUMN paused_by text NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN settings json NOT NULL DEFAULT '{}';

-- What a directory calls the company, and its folded form; '' for none.
ALTER TABLE contacts ADD COLUMN directory_company text NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN company_key text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX contacts_company_key ON contacts (tenant_id, company_key, domain) WHERE company_key <> '';
-- The domains whose ambiguity may end at any time.
CREATE INDEX contacts_ambiguous ON contacts (tenant_id, domain) WHERE company_reason = 'ambiguous_contacts';

-- Domains whose contacts wait to be mapped to companies anew.
CREATE TABLE rescans (
    tenant_id  text COLLATE "C" NOT NULL REFERENCES tenants,
    domain     text COLLATE "C" NOT NULL, -- '' for contacts without one
    after_id   text COLLATE "C" NOT NULL, -- id of the contact up to which it has been done
    decided    boolean NOT NULL,
    listed     text COLLATE "C" NOT NULL,
    company_id text COLLATE "C" NOT NULL,
    reason     text NOT NULL,
    PRIMARY KEY (tenant_id, domain)
);

CREATE TABLE rescan_progress (
    tenant_id   text COLLATE "C" NOT NULL PRIMARY KEY REFERENCES tenants,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    checked     bigint NOT NULL,
    changed     bigint NOT NULL
);
