-- +goose Up
-- OAuth clients, what administrators consented to, and the tokens that come of it.
CREATE TABLE clients (
    tenant_id         TEXT NOT NULL,
    id                TEXT NOT NULL,
    connection        TEXT NOT NULL,
    label             TEXT NOT NULL,
    redirect_uris     TEXT,
    public            BOOLEAN NOT NULL,
    without_pkce      BOOLEAN NOT NULL,
    issuer            TEXT NOT NULL, -- '' for a client with secrets
    subject           TEXT NOT NULL,
    audience          TEXT NOT NULL,
    jwks_uri          TEXT NOT NULL,
    jwks              TEXT NOT NULL,
    created_at        TIMESTAMP NOT NULL,
    last_used_at      TIMESTAMP,
    last_used_address TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, connection) REFERENCES connections ON DELETE CASCADE
);
CREATE INDEX clients_connection ON clients (tenant_id, connection, id);

CREATE TABLE grants (
    tenant_id     TEXT NOT NULL,
    id            TEXT NOT NULL,
    client_id     TEXT NOT NULL,
    granted_by    TEXT NOT NULL,
    code_hash     TEXT NOT NULL,
    binding       TEXT NOT NULL,
    refresh_hash  TEXT NOT NULL, -- '' until the code was used
    previous_hash TEXT NOT NULL,
    created_at    TIMESTAMP NOT NULL,
    expires_at    TIMESTAMP NOT NULL,
    last_used_at  TIMESTAMP,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients ON DELETE CASCADE
);
CREATE INDEX grants_client ON grants (tenant_id, client_id);
CREATE INDEX grants_expiry ON grants (tenant_id, expires_at);

-- Empty for tokens of which no client knows; no foreign keys for that.
ALTER TABLE tokens ADD COLUMN client_id TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN grant_id TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN last_used_address TEXT NOT NULL DEFAULT '';
CREATE INDEX tokens_client ON tokens (tenant_id, client_id, kind, grant_id) WHERE client_id <> '';
CREATE INDEX tokens_expiry ON tokens (tenant_id, kind, expires_at) WHERE expires_at IS NOT NULL;
