-- +goose Up
-- Contacts are numbered in the order in which they come, each tenant's from a number of its own on: a search goes along the
-- full-text index by these numbers, within those of the tenant. (SQLite's own row numbers may change with VACUUM.)
ALTER TABLE tenants ADD COLUMN num INTEGER;
UPDATE tenants SET num = n.num FROM (SELECT tenant_id, row_number() OVER (ORDER BY created_at, tenant_id) AS num FROM tenants) AS n
    WHERE n.tenant_id = tenants.tenant_id;
ALTER TABLE contacts ADD COLUMN num INTEGER;
UPDATE contacts SET num = n.num FROM (
        SELECT c.tenant_id, c.id, (t.num << 40) + row_number() OVER (PARTITION BY c.tenant_id ORDER BY c.id) AS num
        FROM contacts c JOIN tenants t ON t.tenant_id = c.tenant_id
    ) AS n WHERE n.tenant_id = contacts.tenant_id AND n.id = contacts.id;
CREATE UNIQUE INDEX contacts_num ON contacts (tenant_id, num);

-- The pieces of three characters of all search keys, without the keys themselves.
CREATE VIRTUAL TABLE contact_search USING fts5(pieces, content='', detail=none, columnsize=0, tokenize='trigram case_sensitive 1');
INSERT INTO contact_search (rowid, pieces) SELECT num, search_key FROM contacts ORDER BY num;

-- +goose StatementBegin
CREATE TRIGGER tenants_number AFTER INSERT ON tenants BEGIN
    UPDATE tenants SET num = (SELECT coalesce(max(num), 0) + 1 FROM tenants) WHERE tenant_id = NEW.tenant_id;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER contacts_search_insert AFTER INSERT ON contacts BEGIN
    UPDATE contacts SET num = coalesce((SELECT max(num) FROM contacts WHERE tenant_id = NEW.tenant_id), (SELECT num << 40 FROM tenants WHERE tenant_id = NEW.tenant_id)) + 1
        WHERE rowid = NEW.rowid;
    INSERT INTO contact_search (rowid, pieces) SELECT num, search_key FROM contacts WHERE rowid = NEW.rowid;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER contacts_search_update AFTER UPDATE OF search_key ON contacts WHEN OLD.search_key <> NEW.search_key BEGIN
    INSERT INTO contact_search (contact_search, rowid, pieces) VALUES ('delete', OLD.num, OLD.search_key);
    INSERT INTO contact_search (rowid, pieces) VALUES (NEW.num, NEW.search_key);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER contacts_search_delete AFTER DELETE ON contacts BEGIN
    INSERT INTO contact_search (contact_search, rowid, pieces) VALUES ('delete', OLD.num, OLD.search_key);
END;
-- +goose StatementEnd

-- Active contacts that are without a company, though not by hand: counted by domain.
CREATE INDEX contacts_blank ON contacts (tenant_id, domain) WHERE domain > '' AND status = 'active' AND company_id = '' AND company_reason <> 'manual';

CREATE INDEX contacts_deleted_domain ON contacts (tenant_id, domain, id) WHERE status = 'deleted';
CREATE INDEX contacts_deleted_company ON contacts (tenant_id, company_id, id) WHERE status = 'deleted';
CREATE INDEX tickets_contact_status ON tickets (tenant_id, contact_id, status, id);
