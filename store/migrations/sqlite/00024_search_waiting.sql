-- +goose Up
-- Contacts whose search keys are not in the full-text index yet, or no longer those that are: it takes them up many at a time, which
-- costs a fraction of one by one. was is the key that it has, null for none.
CREATE TABLE contact_search_waiting (
    tenant_id   TEXT NOT NULL,
    num         INTEGER NOT NULL,
    was         TEXT,
    PRIMARY KEY (tenant_id, num)
) WITHOUT ROWID;

-- A contact comes with its number; only the version before leaves that to the database.
-- contract since 0.1.0: the triggers that follow do the same for the version before, whose searches learn of it a little later.
DROP TRIGGER contacts_search_insert;
-- contract since 0.1.0: as above.
DROP TRIGGER contacts_search_update;
-- contract since 0.1.0: as above.
DROP TRIGGER contacts_search_delete;
-- contract since 0.1.0: as above.
-- +goose StatementBegin
CREATE TRIGGER contacts_number AFTER INSERT ON contacts WHEN NEW.num IS NULL BEGIN
    UPDATE contacts SET num = coalesce((SELECT max(num) FROM contacts WHERE tenant_id = NEW.tenant_id), (SELECT num << 40 FROM tenants WHERE tenant_id = NEW.tenant_id)) + 1
        WHERE rowid = NEW.rowid;
    INSERT INTO contact_search_waiting (tenant_id, num) SELECT tenant_id, num FROM contacts WHERE rowid = NEW.rowid;
END;
-- +goose StatementEnd
-- contract since 0.1.0: as above.
-- +goose StatementBegin
CREATE TRIGGER contacts_search_insert AFTER INSERT ON contacts WHEN NEW.num IS NOT NULL BEGIN
    INSERT INTO contact_search_waiting (tenant_id, num) VALUES (NEW.tenant_id, NEW.num);
END;
-- +goose StatementEnd
-- contract since 0.1.0: as above.
-- +goose StatementBegin
CREATE TRIGGER contacts_search_update AFTER UPDATE OF search_key ON contacts WHEN OLD.search_key <> NEW.search_key BEGIN
    INSERT INTO contact_search_waiting (tenant_id, num, was) VALUES (OLD.tenant_id, OLD.num, OLD.search_key) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
-- What is known of somebody who is gone goes at once.
-- contract since 0.1.0: as above.
-- +goose StatementBegin
CREATE TRIGGER contacts_search_delete AFTER DELETE ON contacts BEGIN
    INSERT INTO contact_search (contact_search, rowid, pieces)
        SELECT 'delete', OLD.num, OLD.search_key WHERE NOT EXISTS (SELECT 1 FROM contact_search_waiting WHERE tenant_id = OLD.tenant_id AND num = OLD.num)
        UNION ALL SELECT 'delete', num, was FROM contact_search_waiting WHERE tenant_id = OLD.tenant_id AND num = OLD.num AND was IS NOT NULL;
    DELETE FROM contact_search_waiting WHERE tenant_id = OLD.tenant_id AND num = OLD.num;
END;
-- +goose StatementEnd
