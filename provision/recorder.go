package provision

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"rollcall/desk"
	"rollcall/store"
)

// keptExchanges is how many exchanges a recording holds.
const keptExchanges = 200

// recordSetting leaves the event of a changed setting with its connection.
func recordSetting(tx *store.Tx, actor desk.Actor, slug, detail string, changes ...desk.Change) error {
	ev := actor.Event(desk.OpPatch, desk.Updated, "connection")
	ev.Connection, ev.Detail, ev.Changes = slug, detail, changes
	return tx.Record(ev)
}

// KeepExchange adds a line to the recording of the directory's connection.
func (e *Engine) KeepExchange(ctx context.Context, actor desk.Actor, line []byte) error {
	// A client that has gone is recorded as well.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return e.Store.Tx(ctx, func(tx *store.Tx) error {
		return tx.KeepExchange(&desk.Exchange{TenantID: actor.TenantID, Connection: actor.Connection, ID: store.NewID(), Line: string(line)}, keptExchanges)
	})
}

// HasRecording reports whether anything of a connection is recorded.
func (e *Engine) HasRecording(ctx context.Context, actor desk.Actor, slug string) (bool, error) {
	return e.Store.Read(ctx).HasExchanges(actor.TenantID, slug)
}

// Recording returns what was recorded of a connection as a file of exchanges, one a line, in the order of time. The ids of
// users that were made in its course are placeholders there, so that it can be replayed.
func (e *Engine) Recording(ctx context.Context, actor desk.Actor, slug string) ([]byte, error) {
	if _, err := e.Connection(ctx, actor, slug); err != nil {
		return nil, err
	}
	list, err := e.Store.Read(ctx).Exchanges(actor.TenantID, slug)
	if err != nil {
		return nil, err
	}
	var file strings.Builder
	var names []string // an id and what stands for it, in turn
	for _, x := range list {
		var made struct{ As string }
		if err := json.Unmarshal([]byte(x.Line), &made); err != nil {
			return nil, fmt.Errorf("read exchange %s: %w", x.ID, err)
		}
		if made.As != "" {
			name := fmt.Sprintf("user%d", len(names)/4+1)
			names = append(names, `"as":"`+made.As+`"`, `"as":"`+name+`"`, made.As, "{{id:"+name+"}}")
		}
		file.WriteString(x.Line + "\n")
	}
	return []byte(strings.NewReplacer(names...).Replace(file.String())), nil
}

// DeleteRecording empties a connection's recording.
func (e *Engine) DeleteRecording(ctx context.Context, actor desk.Actor, slug string) error {
	return e.Store.Tx(ctx, func(tx *store.Tx) error {
		if _, err := tx.LockConnection(actor.TenantID, slug); err != nil {
			return noConnection(err)
		}
		if err := tx.DeleteExchanges(actor.TenantID, slug); err != nil {
			return err
		}
		return recordSetting(tx, actor, slug, "", desk.Change{Field: "recording", From: nil, To: "deleted"})
	})
}
