package store

// audited holds of the events of the audit log: what people did, and what was done to an installation by the command line or the server.
// What the server did to contacts on its own is not of it. Indexes and triggers (migration 20) go by the same words.
const audited = "actor_type <> 'directory' AND (actor_type = 'agent' OR contact_id IS NULL)"

// purge lets the transaction delete events of the tenant that are of the audit log, which the database otherwise refuses, by calling f. Those
// of the last day it refuses all the same (migration 22).
func (tx *Tx) purge(tenant string, f func() error) error {
	if err := tx.db.Exec("INSERT INTO purges (tenant_id) VALUES (?) ON CONFLICT DO NOTHING", tenant).Error; err != nil {
		return fail(err, "begin to delete old events")
	}
	if err := f(); err != nil {
		return err
	}
	return fail(tx.db.Exec("DELETE FROM purges WHERE tenant_id = ?", tenant).Error, "end deleting old events")
}
