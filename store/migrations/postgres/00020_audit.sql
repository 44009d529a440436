-- +goose Up
-- What people did, and what was administered: the audit log. The conditions are those of store/audit.go.
CREATE INDEX events_audit ON events (tenant_id, id) WHERE actor_type <> 'directory' AND (actor_type = 'agent' OR contact_id IS NULL);
CREATE INDEX events_audit_actor ON events (tenant_id, actor_name, id) WHERE actor_type <> 'directory' AND (actor_type = 'agent' OR contact_id IS NULL);

-- A tenant is in here while old events of it are deleted, for the length of that transaction.
CREATE TABLE purges (
    tenant_id   text COLLATE "C" NOT NULL PRIMARY KEY
);

-- Its events are not changed, but for what an erased person leaves empty, and go with age alone.
-- +goose StatementBegin
CREATE FUNCTION events_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ROW(NEW.tenant_id, NEW.connection, NEW.id, NEW.at, NEW.actor_type, NEW.actor_name, NEW.operation, NEW.outcome, NEW.reason, NEW.contact_id, NEW.user_id, NEW.request_id)
        IS DISTINCT FROM ROW(OLD.tenant_id, OLD.connection, OLD.id, OLD.at, OLD.actor_type, OLD.actor_name, OLD.operation, OLD.outcome, OLD.reason, OLD.contact_id, OLD.user_id, OLD.request_id)
        OR NEW.changes::text IS DISTINCT FROM OLD.changes::text AND (NEW.changes IS NOT NULL OR OLD.contact_id IS NULL AND OLD.subject_key = '')
        OR NEW.detail <> OLD.detail AND (NEW.detail <> '' OR OLD.contact_id IS NULL AND OLD.subject_key = '')
        OR NEW.subject <> OLD.subject AND NEW.subject <> '' OR NEW.subject_key <> OLD.subject_key AND NEW.subject_key <> ''
    THEN
        RAISE EXCEPTION 'the audit log cannot be changed';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER events_unchanged BEFORE UPDATE ON events FOR EACH ROW WHEN (OLD.actor_type <> 'directory') EXECUTE FUNCTION events_unchanged();

-- +goose StatementBegin
CREATE FUNCTION events_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' OR NOT EXISTS (SELECT 1 FROM purges WHERE tenant_id = OLD.tenant_id) THEN
        RAISE EXCEPTION 'the audit log cannot be deleted';
    END IF;
    RETURN OLD;
END $$;
-- +goose StatementEnd
CREATE TRIGGER events_kept BEFORE DELETE ON events FOR EACH ROW WHEN (OLD.actor_type <> 'directory') EXECUTE FUNCTION events_kept();
CREATE TRIGGER events_not_truncated BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION events_kept();
