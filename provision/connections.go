package provision

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"rollcall/desk"
	"rollcall/store"
)

// ConnectionEdit is what an administrator changes in a connection; nil leaves a field as it is.
type ConnectionEdit struct {
	Name, Description, Notes *string
	Paused                   *bool
	Reason                   string // why it is paused or goes on; "" for no word on it
	// Recorder true begins a new recording of what the directory sends, false ends it. What was recorded stays until the next
	// one begins, or until it is deleted.
	Recorder *bool
	Settings json.RawMessage // an object with the settings that change
	Check    ConnectionCheck // nil for none
}

// ConnectionCheck returns an error unless a connection, as it is, may be changed. It is asked while nobody else can change it.
type ConnectionCheck func(desk.Connection) error

// maxNotes is how long a name, description or notes may be, in bytes.
const maxNotes = 10_000

// EditConnection changes a connection, with an event that tells what changed.
func (e *Engine) EditConnection(ctx context.Context, actor desk.Actor, slug string, edit ConnectionEdit) (desk.Connection, error) {
	err := e.Store.Tx(ctx, func(tx *store.Tx) error {
		before, err := tx.LockConnection(actor.TenantID, slug)
		if err != nil {
			return noConnection(err)
		}
		if edit.Check != nil {
			if err := edit.Check(before); err != nil {
				return err
			}
		}
		c := before
		if err := edit.apply(tx, actor, &c); err != nil {
			return err
		}
		changes, err := connectionChanges(before, c)
		if err != nil || len(changes) == 0 {
			return err
		}
		if c.RecorderKey != "" && before.RecorderKey == "" {
			if err := tx.DeleteExchanges(actor.TenantID, slug); err != nil {
				return err
			}
		}
		if err := tx.UpdateConnection(&c); err != nil {
			return err
		}
		return recordSetting(tx, actor, slug, strings.TrimSpace(edit.Reason), changes...)
	})
	if err != nil {
		return desk.Connection{}, err
	}
	if edit.Settings != nil {
		e.reapplySome(ctx, actor.TenantID, slug)
	}
	return e.Connection(ctx, actor, slug)
}

// ApplyingSettings returns how far a change of mapping or scope has been applied to a connection's people, if that runs.
func (e *Engine) ApplyingSettings(ctx context.Context, actor desk.Actor, slug string) (r desk.Reapply, running bool, err error) {
	if _, err := e.Connection(ctx, actor, slug); err != nil {
		return r, false, err
	}
	r, err = e.Store.Read(ctx).Reapply(actor.TenantID, slug)
	if desk.KindOf(err) == desk.NotFound {
		return desk.Reapply{}, false, nil
	}
	return r, err == nil, err
}

func (edit ConnectionEdit) apply(tx *store.Tx, actor desk.Actor, c *desk.Connection) error {
	for _, text := range []struct {
		field string
		value *string
		to    *string
	}{{"name", edit.Name, &c.Name}, {"description", edit.Description, &c.Description}, {"notes", edit.Notes, &c.Notes}} {
		if text.value == nil {
			continue
		}
		*text.to = strings.TrimSpace(*text.value)
		if len(*text.to) > maxNotes {
			return desk.Errorf(desk.InvalidValue, text.field, "%s may have up to %d bytes", text.field, maxNotes)
		}
		if err := checkText(text.field, *text.to); err != nil {
			return err
		}
	}
	if c.Name == "" {
		c.Name = c.Slug
	}
	if err := edit.checkReason(); err != nil {
		return err
	}
	if edit.Paused != nil && *edit.Paused != (c.PausedAt != nil) {
		now := tx.Now
		if *edit.Paused {
			c.PausedAt, c.PausedBy = &now, actor.Name
			if reason := strings.TrimSpace(edit.Reason); reason != "" {
				c.PausedBy += " (" + reason + ")"
			}
		} else {
			c.PausedAt, c.PausedBy, c.ResumedAt = nil, "", &now
		}
	}
	if edit.Recorder != nil && *edit.Recorder != (c.RecorderKey != "") {
		c.RecorderKey = ""
		if *edit.Recorder {
			var key [32]byte
			rand.Read(key[:])
			c.RecorderKey = hex.EncodeToString(key[:])
		}
	}
	if edit.Settings == nil {
		return nil
	}
	t, err := tx.Tenant(c.TenantID)
	if err != nil {
		return err
	}
	before := c.Settings
	if err := edit.applySettings(&c.Settings, t.Fields); err != nil || !reapplies(before, c.Settings) {
		return err
	}
	return tx.CreateReapply(&desk.Reapply{TenantID: c.TenantID, Connection: c.Slug, Before: before, StartedAt: tx.Now})
}

// maxReason is how long a reason may be, in bytes: directories are told it with each refusal.
const maxReason = 300

func (edit ConnectionEdit) checkReason() error {
	if len(edit.Reason) > maxReason {
		return desk.Errorf(desk.InvalidValue, "reason", "a reason may have up to %d bytes", maxReason)
	}
	return checkText("reason", edit.Reason)
}

// applySettings changes settings, and checks them against the tenant's custom fields.
func (edit ConnectionEdit) applySettings(s *desk.Settings, fields []desk.Field) error {
	if err := desk.CheckNames(edit.Settings); err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(edit.Settings))
	decoder.DisallowUnknownFields()
	type plain desk.Settings // without its reading of stored settings: what is not given stays
	var known *desk.Error
	if err := decoder.Decode((*plain)(s)); errors.As(err, &known) {
		return &desk.Error{Kind: desk.InvalidValue, Field: "settings." + known.Field, Msg: known.Msg, Err: err}
	} else if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		field := strings.TrimSuffix("settings."+wrong.Field, ".")
		return &desk.Error{Kind: desk.InvalidValue, Field: field, Msg: field + " cannot be a " + wrong.Value, Err: err}
	} else if err != nil {
		return &desk.Error{Kind: desk.InvalidValue, Field: "settings", Msg: "settings: " + strings.TrimPrefix(err.Error(), "json: "), Err: err}
	}
	if err := s.Check(); err != nil {
		return err
	}
	return checkRules(*s, fields)
}

// connectionChanges lists what an administrator changed in a connection.
func connectionChanges(before, after desk.Connection) ([]desk.Change, error) {
	var list []desk.Change
	add := func(field string, from, to any) {
		if from != to {
			list = append(list, desk.Change{Field: field, From: none(from), To: none(to)})
		}
	}
	add("name", before.Name, after.Name)
	add("description", before.Description, after.Description)
	add("notes", before.Notes, after.Notes)
	add("paused", before.PausedAt != nil, after.PausedAt != nil)
	add("recorder", before.RecorderKey != "", after.RecorderKey != "")
	settings, err := SettingsChanges(before.Settings, after.Settings)
	return append(list, settings...), err
}

// SettingsChanges lists in what settings differ; the fields begin with "settings.".
func SettingsChanges(before, after desk.Settings) ([]desk.Change, error) {
	was, err := members(before)
	if err != nil {
		return nil, err
	}
	is, err := members(after)
	return desk.Resource(was).Diff(desk.Resource(is)), err
}

// members returns settings as the JSON object {"settings": …}.
func members(s desk.Settings) (map[string]any, error) {
	text, err := json.Marshal(map[string]any{"settings": s})
	if err != nil {
		return nil, err
	}
	var m map[string]any
	return m, json.Unmarshal(text, &m)
}

// DeleteConnection removes a directory with its users, OAuth clients, tokens and recording. To take away a connection must not empty the
// helpdesk: contacts stay as they are, active or deleted, lose the user, and keep its externalId, by which another connection
// finds them. The history of each tells it; the log stays under the slug.
//
// It is one transaction for a small directory. Of a large one each page of users is a transaction of its own, so that nobody
// waits long. If the time runs out the rest is left, Unavailable says so, and the next call goes on. The tokens end first, so
// that the directory does not bring back what has gone.
func (e *Engine) DeleteConnection(ctx context.Context, actor desk.Actor, slug string) error {
	for {
		var done bool
		err := e.Store.Tx(ctx, func(tx *store.Tx) (err error) {
			done, err = deleteConnection(tx, actor, slug)
			return err
		})
		if err != nil || done {
			return err
		}
		if end, ok := ctx.Deadline(); ok && time.Until(end) < unlinkReserve {
			return desk.Errorf(desk.Unavailable, "", "the connection has more users than go in one request; send it again for the rest")
		}
	}
}

// unlinkReserve is what must be left of a request's time for another page, and for the last: the index of emails goes at once.
const unlinkReserve = 5 * time.Second

// deleteConnection removes up to a page of users and, once there are none, the connection.
func deleteConnection(tx *store.Tx, actor desk.Actor, slug string) (done bool, err error) {
	// Whoever adds a user holds the lock as well, so none comes in after the last has gone.
	if err := tx.LockCompanies(actor.TenantID); err != nil {
		return false, err
	}
	if _, err := tx.LockConnection(actor.TenantID, slug); err != nil {
		return false, noConnection(err)
	}
	open, err := tx.DeleteAccess(actor.TenantID, slug)
	if err != nil {
		return false, err
	}
	users, err := tx.UnlinkUsers(actor.TenantID, slug, actor.Event(desk.OpDelete, desk.Unlinked, "connection"))
	if err != nil {
		return false, err
	}
	ev := actor.Event(desk.OpDelete, desk.Deleted, "connection")
	ev.Connection = slug
	if users < store.UnlinkPage {
		if err := tx.DeleteConnection(actor.TenantID, slug); err != nil {
			return false, err
		}
		return true, tx.Record(ev)
	}
	if !open {
		return false, nil // that it has begun was told
	}
	ev.Outcome = desk.Started
	return false, tx.Record(ev)
}
