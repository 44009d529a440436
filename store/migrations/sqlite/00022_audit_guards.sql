-- +goose Up
-- What guards the audit log further (step 20). SQLite fires no trigger for a row that REPLACE takes away, by its key or by its rowid, so
-- who would take away one of the log is stopped before.
-- contract since 0.1.0: each version gives an event an id of its own.
-- +goose StatementBegin
CREATE TRIGGER events_not_replaced BEFORE INSERT ON events WHEN EXISTS (
    SELECT 1 FROM events WHERE tenant_id = NEW.tenant_id AND connection = NEW.connection AND id = NEW.id AND actor_type <> 'directory'
) OR EXISTS (SELECT 1 FROM events WHERE rowid = NEW.rowid AND actor_type <> 'directory') BEGIN
    SELECT RAISE(ABORT, 'the audit log cannot be changed');
END;
-- +goose StatementEnd
-- contract since 0.1.0: no version changes the key of an event.
-- +goose StatementBegin
CREATE TRIGGER events_not_displaced BEFORE UPDATE ON events WHEN (
    NEW.tenant_id IS NOT OLD.tenant_id OR NEW.connection IS NOT OLD.connection OR NEW.id IS NOT OLD.id
) AND EXISTS (
    SELECT 1 FROM events WHERE tenant_id = NEW.tenant_id AND connection = NEW.connection AND id = NEW.id AND actor_type <> 'directory'
) OR NEW.rowid <> OLD.rowid AND EXISTS (SELECT 1 FROM events WHERE rowid = NEW.rowid AND actor_type <> 'directory') BEGIN
    SELECT RAISE(ABORT, 'the audit log cannot be changed');
END;
-- +goose StatementEnd

-- Whoever writes into purges deletes nothing but what is old enough to go with age: a day is the least that is kept, and an hour of it is
-- left to clocks that differ. An id begins with its time.
-- contract since 0.1.0: no version deletes what is younger.
-- +goose StatementBegin
CREATE TRIGGER events_kept_for_a_day BEFORE DELETE ON events WHEN OLD.actor_type <> 'directory'
    AND OLD.id >= printf('%08x-%04x', (unixepoch() - 23 * 3600) * 1000 >> 16, (unixepoch() - 23 * 3600) * 1000 & 65535) BEGIN
    SELECT RAISE(ABORT, 'the audit log cannot be deleted before it is a day old');
END;
-- +goose StatementEnd
