package store

import (
	"context"

	"gorm.io/gorm"

	"rollcall/desk"
)

// CreateUser adds a directory user and its emails. A taken externalId or userName is a Uniqueness error; so is a contact
// that has a user on the connection already, with the field "contact".
func (tx *Tx) CreateUser(ctx context.Context, u *desk.DirectoryUser, emails []desk.UserEmail) error {
	if err := gorm.G[desk.DirectoryUser](tx.db).Create(ctx, u); err != nil {
		return fail(err, "create directory user")
	}
	return tx.addEmails(ctx, emails)
}

// UpdateUser writes all of a directory user, and its emails where they changed.
func (tx *Tx) UpdateUser(ctx context.Context, u *desk.DirectoryUser, before, after []desk.UserEmail) error {
	if err := tx.db.Model(u).Select("*").Updates(u).Error; err != nil {
		return fail(err, "update directory user")
	}
	if err := tx.removeEmails(ctx, without(before, after)); err != nil {
		return err
	}
	return tx.addEmails(ctx, without(after, before))
}

// DeleteUser removes a directory user and its emails.
func (tx *Tx) DeleteUser(ctx context.Context, u *desk.DirectoryUser, emails []desk.UserEmail) error {
	if err := tx.removeEmails(ctx, emails); err != nil {
		return err
	}
	_, err := gorm.G[desk.DirectoryUser](tx.db).Where("tenant_id = ? AND connection = ? AND id = ?", u.TenantID, u.Connection, u.ID).Delete(ctx)
	return fail(err, "delete directory user")
}

func (tx *Tx) addEmails(ctx context.Context, rows []desk.UserEmail) error {
	if len(rows) == 0 {
		return nil
	}
	return fail(gorm.G[desk.UserEmail](tx.db).CreateInBatches(ctx, &rows, 500), "index emails")
}

func (tx *Tx) removeEmails(ctx context.Context, rows []desk.UserEmail) error {
	for _, e := range rows {
		_, err := gorm.G[desk.UserEmail](tx.db).Where("tenant_id = ? AND connection = ? AND value_key = ? AND type_key = ? AND user_id = ?",
			e.TenantID, e.Connection, e.ValueKey, e.TypeKey, e.UserID).Delete(ctx)
		if err != nil {
			return fail(err, "index emails")
		}
	}
	return nil
}

// without returns the rows of a that are not in b.
func without(a, b []desk.UserEmail) []desk.UserEmail {
	have := make(map[desk.UserEmail]bool, len(b))
	for _, row := range b {
		have[row] = true
	}
	var rest []desk.UserEmail
	for _, row := range a {
		if !have[row] {
			rest = append(rest, row)
		}
	}
	return rest
}

// User returns a connection's directory user, or NotFound.
func (r reader) User(ctx context.Context, tenant, connection, id string) (desk.DirectoryUser, error) {
	u, err := gorm.G[desk.DirectoryUser](r.db).Where("tenant_id = ? AND connection = ? AND id = ?", tenant, connection, id).Take(ctx)
	return u, fail(err, "read directory user")
}

// LockUser returns a connection's directory user, locked until the transaction ends, or NotFound.
func (tx *Tx) LockUser(ctx context.Context, tenant, connection, id string) (desk.DirectoryUser, error) {
	var u desk.DirectoryUser
	err := forUpdate(tx.db).Where("tenant_id = ? AND connection = ? AND id = ?", tenant, connection, id).Take(&u).Error
	return u, fail(err, "lock directory user")
}

// UsersByKey returns the users of a connection that hold the externalId or the folded userName.
func (tx *Tx) UsersByKey(ctx context.Context, p Person) ([]desk.DirectoryUser, error) {
	db := gorm.G[desk.DirectoryUser](tx.db).Where("tenant_id = ? AND connection = ?", p.TenantID, p.Connection)
	if p.ExternalID != "" {
		db = db.Where("(external_id = ? OR user_name_key = ?)", p.ExternalID, p.UserName)
	} else {
		db = db.Where("user_name_key = ?", p.UserName)
	}
	list, err := db.Find(ctx)
	return list, fail(err, "look for directory users")
}

// UsersOf returns the directory users of contacts, by connection.
func (r reader) UsersOf(ctx context.Context, tenant string, contacts ...string) ([]desk.DirectoryUser, error) {
	if len(contacts) == 0 {
		return nil, nil
	}
	list, err := gorm.G[desk.DirectoryUser](r.db).Where("tenant_id = ? AND contact_id IN ?", tenant, contacts).Order("connection").Find(ctx)
	return list, fail(err, "read directory users of contacts")
}

// UserQuery asks for a page of a connection's users in the order of their ids, which is that of creation.
type UserQuery struct {
	TenantID   string
	Connection string
	Filter     desk.Filter // nil for all
	Offset     int
	Limit      int
}

// Users returns a page of users, and how many there are in all.
func (r reader) Users(ctx context.Context, q UserQuery) (list []desk.DirectoryUser, total int, err error) {
	where, args := "tenant_id = ? AND connection = ?", []any{q.TenantID, q.Connection}
	if q.Filter != nil {
		condition, values, err := filterSQL(r.engine, q)
		if err != nil {
			return nil, 0, err
		}
		where, args = where+" AND "+condition, append(args, values...)
	}
	if q.Limit > 0 {
		list, err = gorm.G[desk.DirectoryUser](r.db).Where(where, args...).Order("id").Offset(q.Offset).Limit(q.Limit).Find(ctx)
		if err != nil {
			return nil, 0, fail(err, "list directory users")
		}
		if n := len(list); n > 0 && n < q.Limit || q.Offset == 0 && n == 0 {
			return list, q.Offset + n, nil
		}
	}
	count, err := gorm.G[desk.DirectoryUser](r.db).Where(where, args...).Count(ctx, "*")
	if err != nil {
		return nil, 0, fail(err, "count directory users")
	}
	return list, int(count), nil
}
