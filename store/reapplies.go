package store

import (
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"rollcall/desk"
)

// CreateReapply notes that a connection's people shall be looked at again; that this is under way already is a Conflict.
func (tx *Tx) CreateReapply(r *desk.Reapply) error {
	result := tx.db.Clauses(clause.OnConflict{DoNothing: true}).Create(r)
	if result.Error == nil && result.RowsAffected == 0 {
		return desk.Errorf(desk.Conflict, "settings", "the last change of mapping or scope is still being applied to the connection's people; try again when that has ended")
	}
	return fail(result.Error, "begin to apply settings")
}

// Reapplies lists all that is under way.
func (r Reader) Reapplies() ([]desk.Reapply, error) {
	list, err := gorm.G[desk.Reapply](r.db).Order("started_at").Find(r.ctx)
	return list, fail(err, "look for settings to apply")
}

// Reapply returns what is under way for a connection, or NotFound.
func (r Reader) Reapply(tenant, connection string) (desk.Reapply, error) {
	one, err := gorm.G[desk.Reapply](r.db).Where("tenant_id = ? AND connection = ?", tenant, connection).Take(r.ctx)
	return one, fail(err, "look for settings to apply")
}

// UpdateReapply writes how far it is.
func (tx *Tx) UpdateReapply(r *desk.Reapply) error { return update(tx, "reapply", r) }

// FinishReapply takes out what has been done.
func (tx *Tx) FinishReapply(r *desk.Reapply) error {
	_, err := gorm.G[desk.Reapply](tx.db).Where("tenant_id = ? AND connection = ?", r.TenantID, r.Connection).Delete(tx.ctx)
	return fail(err, "finish applying settings")
}
