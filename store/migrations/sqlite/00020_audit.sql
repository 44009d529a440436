-- +goose Up
-- What people did, and what was administered: the audit log. The conditions are those of store/audit.go.
CREATE INDEX events_audit ON events (tenant_id, id) WHERE actor_type <> 'directory' AND (actor_type = 'agent' OR contact_id IS NULL);
CREATE INDEX events_audit_actor ON events (tenant_id, actor_name, id) WHERE actor_type <> 'directory' AND (actor_type = 'agent' OR contact_id IS NULL);

-- A tenant is in here while old events of it are deleted, for the length of that transaction.
CREATE TABLE purges (
    tenant_id   TEXT NOT NULL PRIMARY KEY
);

-- Its events are not changed, but for what an erased person leaves empty, and go with age alone.
-- +goose StatementBegin
CREATE TRIGGER events_unchanged BEFORE UPDATE ON events WHEN OLD.actor_type <> 'directory' AND (
    NEW.tenant_id IS NOT OLD.tenant_id OR NEW.connection IS NOT OLD.connection OR NEW.id IS NOT OLD.id OR NEW.at IS NOT OLD.at
    OR NEW.actor_type IS NOT OLD.actor_type OR NEW.actor_name IS NOT OLD.actor_name OR NEW.operation IS NOT OLD.operation
    OR NEW.outcome IS NOT OLD.outcome OR NEW.reason IS NOT OLD.reason OR NEW.contact_id IS NOT OLD.contact_id OR NEW.user_id IS NOT OLD.user_id
    OR NEW.request_id IS NOT OLD.request_id
    OR NEW.changes IS NOT OLD.changes AND (NEW.changes IS NOT NULL OR OLD.contact_id IS NULL AND OLD.subject_key = '')
    OR NEW.detail IS NOT OLD.detail AND (NEW.detail <> '' OR OLD.contact_id IS NULL AND OLD.subject_key = '')
    OR NEW.subject IS NOT OLD.subject AND NEW.subject <> '' OR NEW.subject_key IS NOT OLD.subject_key AND NEW.subject_key <> ''
) BEGIN
    SELECT RAISE(ABORT, 'the audit log cannot be changed');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_kept BEFORE DELETE ON events WHEN OLD.actor_type <> 'directory' AND NOT EXISTS (SELECT 1 FROM purges WHERE tenant_id = OLD.tenant_id) BEGIN
    SELECT RAISE(ABORT, 'the audit log cannot be deleted');
END;
-- +goose StatementEnd
