-- +goose Up
-- Who works in the portal.
CREATE TABLE agents (
    tenant_id       text COLLATE "C" NOT NULL REFERENCES tenants,
    id              text COLLATE "C" NOT NULL,
    name            text NOT NULL,
    email           text NOT NULL,
    email_key       text COLLATE "C" NOT NULL, -- folded
    role            text NOT NULL,
    password_hash   text NOT NULL, -- '' for none
    issuer          text COLLATE "C" NOT NULL, -- '' for an agent who has never come from an OpenID provider
    subject         text COLLATE "C" NOT NULL,
    created_at      timestamptz NOT NULL,
    last_sign_in_at timestamptz,
    disabled_at     timestamptz,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX agents_email ON agents (tenant_id, email_key);
CREATE UNIQUE INDEX agents_identity ON agents (tenant_id, issuer, subject) WHERE issuer <> '';
CREATE INDEX agents_admins ON agents (tenant_id, id) WHERE role = 'admin';

-- Whose session or link a token is, '' for nobody's; no foreign key for that.
ALTER TABLE tokens ADD COLUMN agent_id text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN user_agent text NOT NULL DEFAULT '';
CREATE INDEX tokens_agent ON tokens (tenant_id, agent_id, kind, id) WHERE agent_id <> '';
