-- +goose Up
-- Who works in the portal.
CREATE TABLE agents (
    tenant_id       TEXT NOT NULL REFERENCES tenants,
    id              TEXT NOT NULL,
    name            TEXT NOT NULL,
    email           TEXT NOT NULL,
    email_key       TEXT NOT NULL, -- folded
    role            TEXT NOT NULL,
    password_hash   TEXT NOT NULL, -- '' for none
    issuer          TEXT NOT NULL, -- '' for an agent who has never come from an OpenID provider
    subject         TEXT NOT NULL,
    created_at      TIMESTAMP NOT NULL,
    last_sign_in_at TIMESTAMP,
    disabled_at     TIMESTAMP,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX agents_email ON agents (tenant_id, email_key);
CREATE UNIQUE INDEX agents_identity ON agents (tenant_id, issuer, subject) WHERE issuer <> '';
CREATE INDEX agents_admins ON agents (tenant_id, id) WHERE role = 'admin';

-- Whose session or link a token is, '' for nobody's; no foreign key for that.
ALTER TABLE tokens ADD COLUMN agent_id TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN user_agent TEXT NOT NULL DEFAULT '';
CREATE INDEX tokens_agent ON tokens (tenant_id, agent_id, kind, id) WHERE agent_id <> '';
