-- +goose Up
-- Every key leads with tenant_id, so that the tables can be distributed by tenant. Times are microseconds since 1970.
-- Events and addresses carry no foreign keys: events outlive what they tell of, and a reference to a row that
-- all requests of a tenant share would make them queue for its lock.

CREATE TABLE tenants (
    tenant_id   TEXT NOT NULL PRIMARY KEY,
    name        TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL
);

CREATE TABLE connections (
    tenant_id   TEXT NOT NULL REFERENCES tenants,
    slug        TEXT NOT NULL,
    name        TEXT NOT NULL,
    provider    TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    PRIMARY KEY (tenant_id, slug)
);

CREATE TABLE tokens (
    tenant_id    TEXT NOT NULL REFERENCES tenants,
    id           TEXT NOT NULL,
    kind         TEXT NOT NULL,
    hash         TEXT NOT NULL,
    connection   TEXT NOT NULL,
    role         TEXT NOT NULL,
    label        TEXT NOT NULL,
    expires_at   TIMESTAMP,
    last_used_at TIMESTAMP,
    created_at   TIMESTAMP NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX tokens_hash ON tokens (tenant_id, hash);

CREATE TABLE companies (
    tenant_id   TEXT NOT NULL REFERENCES tenants,
    id          TEXT NOT NULL,
    name        TEXT NOT NULL,
    name_key    TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX companies_name ON companies (tenant_id, name_key);

CREATE TABLE company_domains (
    tenant_id   TEXT NOT NULL,
    domain      TEXT NOT NULL,
    company_id  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, domain, company_id),
    FOREIGN KEY (tenant_id, company_id) REFERENCES companies ON DELETE CASCADE
);
CREATE INDEX company_domains_company ON company_domains (tenant_id, company_id, domain);

CREATE TABLE contacts (
    tenant_id      TEXT NOT NULL,
    id             TEXT NOT NULL,
    display_name   TEXT NOT NULL,
    user_name      TEXT NOT NULL,
    title          TEXT NOT NULL,
    emails         TEXT,
    phones         TEXT,
    external_id    TEXT,
    company_id     TEXT NOT NULL, -- '' for none
    company_reason TEXT NOT NULL,
    status         TEXT NOT NULL,
    deleted_by     TEXT NOT NULL,
    deleted_at     TIMESTAMP,
    verified_at    TIMESTAMP,
    created_at     TIMESTAMP NOT NULL,
    modified_at    TIMESTAMP NOT NULL,
    user_name_key  TEXT NOT NULL, -- folded; '' for none
    email_key      TEXT NOT NULL, -- folded main address; '' for none
    domain         TEXT NOT NULL, -- '' for none
    search_key     TEXT NOT NULL, -- folded name, user name and addresses, a line each
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX contacts_user_name ON contacts (tenant_id, user_name_key);
CREATE INDEX contacts_email ON contacts (tenant_id, email_key);
CREATE INDEX contacts_external_id ON contacts (tenant_id, external_id) WHERE external_id IS NOT NULL;
-- Its ends within a domain tell whether the domain's contacts differ in company.
CREATE INDEX contacts_domain_company ON contacts (tenant_id, domain, status, company_id, id);
CREATE INDEX contacts_domain ON contacts (tenant_id, domain, id);
CREATE INDEX contacts_company ON contacts (tenant_id, company_id, id) WHERE company_id <> '';
CREATE INDEX contacts_deleted ON contacts (tenant_id, id) WHERE status = 'deleted';

CREATE TABLE directory_users (
    tenant_id     TEXT NOT NULL,
    connection    TEXT NOT NULL,
    id            TEXT NOT NULL,
    contact_id    TEXT NOT NULL,
    active        BOOLEAN NOT NULL,
    resource      TEXT NOT NULL,
    folded        TEXT, -- the resource with folded strings, where it is not all ASCII
    version       INTEGER NOT NULL,
    created_at    TIMESTAMP NOT NULL,
    modified_at   TIMESTAMP NOT NULL,
    external_id   TEXT,
    user_name_key TEXT NOT NULL,
    PRIMARY KEY (tenant_id, connection, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts
);
CREATE UNIQUE INDEX directory_users_external_id ON directory_users (tenant_id, external_id, connection) WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX directory_users_user_name ON directory_users (tenant_id, connection, user_name_key);
CREATE UNIQUE INDEX directory_users_contact ON directory_users (tenant_id, contact_id, connection);

CREATE TABLE directory_user_emails (
    tenant_id  TEXT NOT NULL,
    connection TEXT NOT NULL,
    value_key  TEXT NOT NULL,
    type_key   TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    PRIMARY KEY (tenant_id, connection, value_key, type_key, user_id)
) WITHOUT ROWID;

CREATE TABLE events (
    tenant_id   TEXT NOT NULL,
    connection  TEXT NOT NULL, -- '' for what no directory did
    id          TEXT NOT NULL,
    at          TIMESTAMP NOT NULL,
    actor_type  TEXT NOT NULL,
    actor_name  TEXT NOT NULL,
    operation   TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    detail      TEXT NOT NULL,
    contact_id  TEXT,
    user_id     TEXT,
    subject     TEXT NOT NULL,
    subject_key TEXT NOT NULL,
    changes     TEXT,
    request_id  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, connection, id)
);
CREATE INDEX events_contact ON events (tenant_id, contact_id, id) WHERE contact_id IS NOT NULL;
CREATE INDEX events_subject ON events (tenant_id, subject_key) WHERE subject_key <> '';
