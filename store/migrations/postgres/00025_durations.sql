-- +goose Up
-- How long a request took is held in the audit log like all else (step 20).
-- contract since 0.1.0: no version changes the time that an event took.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION events_unchanged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ROW(NEW.tenant_id, NEW.connection, NEW.id, NEW.at, NEW.actor_type, NEW.actor_name, NEW.operation, NEW.outcome, NEW.reason, NEW.contact_id, NEW.user_id, NEW.request_id, NEW.microseconds)
        IS DISTINCT FROM ROW(OLD.tenant_id, OLD.connection, OLD.id, OLD.at, OLD.actor_type, OLD.actor_name, OLD.operation, OLD.outcome, OLD.reason, OLD.contact_id, OLD.user_id, OLD.request_id, OLD.microseconds)
        OR NEW.changes::text IS DISTINCT FROM OLD.changes::text AND (NEW.changes IS NOT NULL OR OLD.contact_id IS NULL AND OLD.subject_key = '')
        OR NEW.detail <> OLD.detail AND (NEW.detail <> '' OR OLD.contact_id IS NULL AND OLD.subject_key = '')
        OR NEW.subject <> OLD.subject AND NEW.subject <> '' OR NEW.subject_key <> OLD.subject_key AND NEW.subject_key <> ''
    THEN
        RAISE EXCEPTION 'the audit log cannot be changed';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
