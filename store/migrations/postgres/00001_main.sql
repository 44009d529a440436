-- +goose Up
-- Every key leads with tenant_id, so that the tables can be distributed by tenant. Keys compare by bytes (COLLATE "C"),
-- as on SQLite. Events and addresses carry no foreign keys: events outlive what they tell of, and a reference to a row that
-- all requests of a tenant share would make them queue for its lock.

CREATE TABLE tenants (
    tenant_id   text COLLATE "C" NOT NULL PRIMARY KEY,
    name        text NOT NULL,
    created_at  timestamptz NOT NULL
);

CREATE TABLE connections (
    tenant_id   text COLLATE "C" NOT NULL REFERENCES tenants,
    slug        text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    provider    text NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, slug)
);

CREATE TABLE tokens (
    tenant_id    text COLLATE "C" NOT NULL REFERENCES tenants,
    id           text COLLATE "C" NOT NULL,
    kind         text NOT NULL,
    hash         text COLLATE "C" NOT NULL,
    connection   text COLLATE "C" NOT NULL,
    role         text NOT NULL,
    label        text NOT NULL,
    expires_at   timestamptz,
    last_used_at timestamptz,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX tokens_hash ON tokens (tenant_id, hash);

CREATE TABLE companies (
    tenant_id   text COLLATE "C" NOT NULL REFERENCES tenants,
    id          text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    name_key    text COLLATE "C" NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX companies_name ON companies (tenant_id, name_key);

CREATE TABLE company_domains (
    tenant_id   text COLLATE "C" NOT NULL,
    domain      text COLLATE "C" NOT NULL,
    company_id  text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, domain, company_id),
    FOREIGN KEY (tenant_id, company_id) REFERENCES companies ON DELETE CASCADE
);
CREATE INDEX company_domains_company ON company_domains (tenant_id, company_id, domain);

CREATE TABLE contacts (
    tenant_id      text COLLATE "C" NOT NULL,
    id             text COLLATE "C" NOT NULL,
    display_name   text NOT NULL,
    user_name      text NOT NULL,
    title          text NOT NULL,
    emails         json,
    phones         json,
    external_id    text COLLATE "C",
    company_id     text COLLATE "C" NOT NULL, -- '' for none
    company_reason text NOT NULL,
    status         text COLLATE "C" NOT NULL,
    deleted_by     text NOT NULL,
    deleted_at     timestamptz,
    verified_at    timestamptz,
    created_at     timestamptz NOT NULL,
    modified_at    timestamptz NOT NULL,
    user_name_key  text COLLATE "C" NOT NULL, -- folded; '' for none
    email_key      text COLLATE "C" NOT NULL, -- folded main address; '' for none
    domain         text COLLATE "C" NOT NULL, -- '' for none
    search_key     text COLLATE "C" NOT NULL, -- folded name, user name and addresses, a line each
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
    tenant_id     text COLLATE "C" NOT NULL,
    connection    text COLLATE "C" NOT NULL,
    id            text COLLATE "C" NOT NULL,
    contact_id    text COLLATE "C" NOT NULL,
    active        boolean NOT NULL,
    resource      json NOT NULL,
    folded        json, -- the resource with folded strings, where it is not all ASCII
    version       bigint NOT NULL,
    created_at    timestamptz NOT NULL,
    modified_at   timestamptz NOT NULL,
    external_id   text COLLATE "C",
    user_name_key text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, connection, id),
    FOREIGN KEY (tenant_id, contact_id) REFERENCES contacts
);
CREATE UNIQUE INDEX directory_users_external_id ON directory_users (tenant_id, external_id, connection) WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX directory_users_user_name ON directory_users (tenant_id, connection, user_name_key);
CREATE UNIQUE INDEX directory_users_contact ON directory_users (tenant_id, contact_id, connection);

CREATE TABLE directory_user_emails (
    tenant_id  text COLLATE "C" NOT NULL,
    connection text COLLATE "C" NOT NULL,
    value_key  text COLLATE "C" NOT NULL,
    type_key   text COLLATE "C" NOT NULL,
    user_id    text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, connection, value_key, type_key, user_id)
);

CREATE TABLE events (
    tenant_id   text COLLATE "C" NOT NULL,
    connection  text COLLATE "C" NOT NULL, -- '' for what no directory did
    id          text COLLATE "C" NOT NULL,
    at          timestamptz NOT NULL,
    actor_type  text NOT NULL,
    actor_name  text NOT NULL,
    operation   text NOT NULL,
    outcome     text COLLATE "C" NOT NULL,
    reason      text NOT NULL,
    detail      text NOT NULL,
    contact_id  text COLLATE "C",
    user_id     text COLLATE "C",
    subject     text NOT NULL,
    subject_key text COLLATE "C" NOT NULL,
    changes     json,
    request_id  text NOT NULL,
    PRIMARY KEY (tenant_id, connection, id)
);
CREATE INDEX events_contact ON events (tenant_id, contact_id, id) WHERE contact_id IS NOT NULL;
CREATE INDEX events_subject ON events (tenant_id, subject_key) WHERE subject_key <> '';
