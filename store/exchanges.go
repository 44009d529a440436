package store

import (
	"gorm.io/gorm"

	"rollcall/desk"
)

// KeepExchange adds an exchange to a connection's recording, which holds the last so many.
func (tx *Tx) KeepExchange(x *desk.Exchange, last int) error {
	if err := gorm.G[desk.Exchange](tx.db).Create(tx.ctx, x); err != nil {
		return fail(err, "record exchange")
	}
	of := gorm.G[desk.Exchange](tx.db).Where("tenant_id = ? AND connection = ?", x.TenantID, x.Connection)
	oldest, err := of.Order("id DESC").Offset(last).Limit(1).Find(tx.ctx)
	if err == nil && len(oldest) > 0 {
		_, err = gorm.G[desk.Exchange](tx.db).Where("tenant_id = ? AND connection = ? AND id <= ?", x.TenantID, x.Connection, oldest[0].ID).Delete(tx.ctx)
	}
	return fail(err, "drop old exchanges")
}

// Exchanges returns a connection's recording in the order of time.
func (r Reader) Exchanges(tenant, connection string) ([]desk.Exchange, error) {
	list, err := gorm.G[desk.Exchange](r.db).Where("tenant_id = ? AND connection = ?", tenant, connection).Order("id").Find(r.ctx)
	return list, fail(err, "read exchanges")
}

// HasExchanges reports whether a connection has a recording.
func (r Reader) HasExchanges(tenant, connection string) (bool, error) {
	list, err := gorm.G[desk.Exchange](r.db).Where("tenant_id = ? AND connection = ?", tenant, connection).Select("id").Limit(1).Find(r.ctx)
	return len(list) > 0, fail(err, "look for exchanges")
}

// DeleteExchanges empties a connection's recording.
func (tx *Tx) DeleteExchanges(tenant, connection string) error {
	_, err := gorm.G[desk.Exchange](tx.db).Where("tenant_id = ? AND connection = ?", tenant, connection).Delete(tx.ctx)
	return fail(err, "delete exchanges")
}
