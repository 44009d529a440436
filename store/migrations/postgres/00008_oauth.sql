-- +goose Up
-- OAuth clients, what administrators consented to, and the tokens that come of it.
CREATE TABLE clients (
    tenant_id         text COLLATE "C" NOT NULL,
    id                text COLLATE "C" NOT NULL,
    connection        text COLLATE "C" NOT NULL,
    label             text NOT NULL,
    redirect_uris     json,
    public            boolean NOT NULL,
    without_pkce      boolean NOT NULL,
    issuer            text NOT NULL, -- '' for a client with secrets
    subject           text NOT NULL,
    audience          text NOT NULL,
    jwks_uri          text NOT NULL,
    jwks              text NOT NULL,
    created_at        timestamptz NOT NULL,
    last_used_at      timestamptz,
    last_used_address text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, connection) REFERENCES connections ON DELETE CASCADE
);
CREATE INDEX clients_connection ON clients (tenant_id, connection, id);

CREATE TABLE grants (
    tenant_id     text COLLATE "C" NOT NULL,
    id            text COLLATE "C" NOT NULL,
    client_id     text COLLATE "C" NOT NULL,
    granted_by    text NOT NULL,
    code_hash     text COLLATE "C" NOT NULL,
    binding       text COLLATE "C" NOT NULL,
    refresh_hash  text COLLATE "C" NOT NULL, -- '' until the code was used
    previous_hash text COLLATE "C" NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    last_used_at  timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients ON DELETE CASCADE
);
CREATE INDEX grants_client ON grants (tenant_id, client_id);
CREATE INDEX grants_expiry ON grants (tenant_id, expires_at);

-- Empty for tokens of which no client knows; no foreign keys for that.
ALTER TABLE tokens ADD COLUMN client_id text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN grant_id text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN last_used_address text NOT NULL DEFAULT '';
CREATE INDEX tokens_client ON tokens (tenant_id, client_id, kind, grant_id) WHERE client_id <> '';
CREATE INDEX tokens_expiry ON tokens (tenant_id, kind, expires_at) WHERE expires_at IS NOT NULL;
