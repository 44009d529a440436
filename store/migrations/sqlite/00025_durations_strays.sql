-- +goose Up
-- How long a request took is held in the audit log like all else (step 20).
-- contract since 0.1.0: the trigger that follows takes its place.
DROP TRIGGER events_unchanged;
-- contract since 0.1.0: no version changes the time that an event took.
-- +goose StatementBegin
CREATE TRIGGER events_unchanged BEFORE UPDATE ON events WHEN OLD.actor_type <> 'directory' AND (
    NEW.tenant_id IS NOT OLD.tenant_id OR NEW.connection IS NOT OLD.connection OR NEW.id IS NOT OLD.id OR NEW.at IS NOT OLD.at
    OR NEW.actor_type IS NOT OLD.actor_type OR NEW.actor_name IS NOT OLD.actor_name OR NEW.operation IS NOT OLD.operation
    OR NEW.outcome IS NOT OLD.outcome OR NEW.reason IS NOT OLD.reason OR NEW.contact_id IS NOT OLD.contact_id OR NEW.user_id IS NOT OLD.user_id
    OR NEW.request_id IS NOT OLD.request_id OR NEW.microseconds IS NOT OLD.microseconds
    OR NEW.changes IS NOT OLD.changes AND (NEW.changes IS NOT NULL OR OLD.contact_id IS NULL AND OLD.subject_key = '')
    OR NEW.detail IS NOT OLD.detail AND (NEW.detail <> '' OR OLD.contact_id IS NULL AND OLD.subject_key = '')
    OR NEW.subject IS NOT OLD.subject AND NEW.subject <> '' OR NEW.subject_key IS NOT OLD.subject_key AND NEW.subject_key <> ''
) BEGIN
    SELECT RAISE(ABORT, 'the audit log cannot be changed');
END;
-- +goose StatementEnd

-- The number of a contact (step 7) is in the order of ids, by which pages go, as long as each that comes has the greatest id so far. Strays,
-- whose ids were made before others came, have numbers of their own, from the middle of their tenant's on.
-- The full-text index takes up all that wait, so that it has the keys which are taken out of it.
-- contract since 0.1.0: the rows are few, and the version before does the same.
INSERT INTO contact_search (contact_search, rowid, pieces) SELECT command, num, pieces FROM (
    SELECT num, 1 AS step, 'delete' AS command, was AS pieces FROM contact_search_waiting WHERE was IS NOT NULL
    UNION ALL SELECT c.num, 2, NULL, c.search_key FROM contact_search_waiting w CROSS JOIN contacts c ON c.tenant_id = w.tenant_id AND c.num = w.num
) ORDER BY num, step;
DELETE FROM contact_search_waiting;
-- contract since 0.1.0: strays are few, and the version before might miss them as it is.
INSERT INTO contact_search (contact_search, rowid, pieces) SELECT 'delete', num, search_key FROM (
    SELECT num, search_key, id, max(id) OVER (PARTITION BY tenant_id ORDER BY num ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM contacts
) WHERE id < before ORDER BY num;
-- contract since 0.1.0: as above.
UPDATE contacts SET num = s.num FROM (
    SELECT c.tenant_id, c.id, (t.num << 40) + (1 << 39) + row_number() OVER (PARTITION BY c.tenant_id ORDER BY c.num) AS num FROM (
        SELECT tenant_id, num, id, max(id) OVER (PARTITION BY tenant_id ORDER BY num ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM contacts
    ) AS c JOIN tenants t ON t.tenant_id = c.tenant_id WHERE c.id < c.before
) AS s WHERE s.tenant_id = contacts.tenant_id AND s.id = contacts.id;
INSERT INTO contact_search_waiting (tenant_id, num) SELECT c.tenant_id, c.num FROM tenants t CROSS JOIN contacts c
    ON c.tenant_id = t.tenant_id AND c.num > (t.num << 40) + (1 << 39);

-- contract since 0.1.0: the trigger that follows does the same for versions that leave numbers to the database.
DROP TRIGGER contacts_number;
-- contract since 0.1.0: as above.
-- +goose StatementBegin
CREATE TRIGGER contacts_number AFTER INSERT ON contacts WHEN NEW.num IS NULL BEGIN
    UPDATE contacts SET num = (
            SELECT coalesce((SELECT max(num) FROM contacts WHERE tenant_id = t.tenant_id AND num > t.before AND num < t.before + (1 << 39)), t.before) + 1 FROM (
                SELECT tenant_id, (num << 40) + CASE WHEN EXISTS (SELECT 1 FROM contacts WHERE tenant_id = NEW.tenant_id AND id > NEW.id) THEN 1 << 39 ELSE 0 END AS before
                FROM tenants WHERE tenant_id = NEW.tenant_id
            ) AS t
        ) WHERE rowid = NEW.rowid;
    INSERT INTO contact_search_waiting (tenant_id, num) SELECT tenant_id, num FROM contacts WHERE rowid = NEW.rowid;
END;
-- +goose StatementEnd
