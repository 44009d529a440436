package provision

import (
	"context"
	"reflect"
	"sync"

	"rollcall/desk"
	"rollcall/mapping"
)

// rules are a connection's mapping and scope, ready to be applied.
type rules struct {
	mapping desk.Mapping // of which they were made
	within  desk.Scope
	fields  []desk.Field

	mapper *mapping.Mapper
	scope  *mapping.Scope
}

func compileRules(m desk.Mapping, s desk.Scope, fields []desk.Field) (*rules, error) {
	r := &rules{mapping: m, within: s, fields: fields}
	var err error
	if r.mapper, err = mapping.Compile(m, fields); err != nil {
		return nil, err
	}
	r.scope, err = mapping.CompileScope(s, fields)
	return r, err
}

// checkRules returns all that is wrong with a mapping and a scope.
func checkRules(s desk.Settings, fields []desk.Field) error {
	if err := mapping.Check(s.Mapping, fields); err != nil {
		return err
	}
	_, err := mapping.CompileScope(s.Scope, fields)
	return err
}

// ruleBook keeps rules, which take longer to make than a request. A connection's are made anew when its settings or the tenant's
// fields have changed.
type ruleBook struct {
	mu   sync.Mutex
	made map[string]*rules // by connection
}

// maxRules is how many connections' rules are kept.
const maxRules = 1000

// of returns the rules of a connection. Its settings were checked when they were saved.
func (b *ruleBook) of(d *desk.Directory) (*rules, error) {
	key, s := d.TenantID+"/"+d.Slug, &d.Settings
	b.mu.Lock()
	r := b.made[key]
	b.mu.Unlock()
	if r != nil && reflect.DeepEqual(r.mapping, s.Mapping) && reflect.DeepEqual(r.within, s.Scope) && reflect.DeepEqual(r.fields, d.Fields) {
		return r, nil
	}
	r, err := compileRules(s.Mapping, s.Scope, d.Fields)
	if err != nil {
		return nil, desk.Errorf(desk.Conflict, "settings", "the connection's settings no longer fit the helpdesk's custom fields; an administrator must mend them: %s", desk.AsError(err).Msg)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.made == nil || len(b.made) >= maxRules {
		b.made = map[string]*rules{}
	}
	b.made[key] = r
	return r, nil
}

// projected is what becomes of a user's resource.
type projected struct {
	mapping.Result
	held desk.Hold // HeldScope for who is out of scope
	rule string    // the scope's rule that decided, "" for a scope without rules
}

// project maps a resource. Who is inactive is not refused for values that cannot be mapped: the error is nil then, and the note
// says what was left out.
func (r *rules) project(user desk.Resource) (p projected, note string, err error) {
	p.Result, err = r.mapper.Apply(user)
	if desk.Undeleted(user.UserName()) != user.UserName() {
		note = "the user name is that of a deleted user; the contact keeps its own"
	}
	in, rule := r.scope.Match(user)
	if p.rule = rule; !in {
		p.held = desk.HeldScope
	}
	if err != nil && (!in || p.Active != nil && !*p.Active) {
		note, err = join(note, "left out: "+desk.AsError(err).Msg), nil
	}
	return p, note, err
}

// DefaultMapping returns the mapping of connections that have none of their own.
func (e *Engine) DefaultMapping(ctx context.Context, actor desk.Actor) (desk.Mapping, error) {
	fields, err := e.Fields(ctx, actor)
	return mapping.Default(fields), err
}

// Unmapped counts, over a connection's newest people, of whom it looks at most or MaxUnmapped, the attributes that arrived and that no rule of its mapping uses.
func (e *Engine) Unmapped(ctx context.Context, actor desk.Actor, slug string, most int) (counts map[string]int, people int, err error) {
	d, err := e.directory(ctx, actor, slug)
	if err != nil {
		return nil, 0, err
	}
	made, err := e.rules.of(d)
	if err != nil {
		return nil, 0, err
	}
	counts = map[string]int{}
	from := newest
	for most = min(most, MaxUnmapped); people < most; {
		page, err := e.Store.Read(ctx).Users(actor.TenantID, slug, desk.UserQuery{From: &from, Limit: min(500, most-people)})
		if err != nil || len(page) == 0 {
			return counts, people, err
		}
		for _, u := range page {
			r, err := u.Decode()
			if err != nil {
				return nil, 0, err
			}
			for _, path := range made.mapper.Unmapped(r) {
				counts[path]++
			}
		}
		people += len(page)
		from.ID = page[0].ID
	}
	return counts, people, nil
}

// MaxUnmapped is over how many people attributes are counted.
const MaxUnmapped = 5000

// directory returns a connection as its requests find it, or NotFound.
func (e *Engine) directory(ctx context.Context, actor desk.Actor, slug string) (*desk.Directory, error) {
	c, err := e.Connection(ctx, actor, slug)
	if err != nil {
		return nil, err
	}
	t, err := e.Store.Read(ctx).Tenant(actor.TenantID)
	return &desk.Directory{Connection: c, Fields: t.Fields}, err
}
