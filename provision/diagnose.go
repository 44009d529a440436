package provision

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"rollcall/desk"
	"rollcall/store"
)

// Expected is what an installation is held to.
type Expected struct {
	Jobs       []string      // what servers do in the background, one at a time
	KeepEvents time.Duration // how long the log is kept, 0 for ever
}

const (
	// clockSkew is how far the clocks of servers may be apart.
	clockSkew = 5 * time.Second
	// late is when a job is overdue that a server would have begun within seconds, or gone on with after another one's death.
	late = 5 * time.Minute
	// long is how long work may take that is done in pages.
	long = time.Hour
	// tokenNotice is how long before its end a token is spoken of, and after it.
	tokenNotice, tokenMourned = 30 * 24 * time.Hour, 7 * 24 * time.Hour
	// mostTokens are named.
	mostTokens = 20
	// sampled is how many of the newest rows of each helpdesk and connection are looked at.
	sampled = 500
)

// Diagnose says how an installation does, apart from the database itself, the connections last.
func (e *Engine) Diagnose(ctx context.Context, x Expected) ([]desk.Finding, error) {
	r := e.Store.Read(ctx)
	connections, err := e.AllHealth(ctx)
	if err != nil {
		return nil, err
	}
	var list []desk.Finding
	for _, check := range []func(store.Reader, Expected) ([]desk.Finding, error){
		e.diagnoseLog, e.diagnoseJobs, e.diagnoseCredentials, e.diagnoseAdmins, e.diagnoseRows,
	} {
		found, err := check(r, x)
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	for _, c := range connections {
		f := desk.Finding{Name: c.TenantID + "/" + c.Slug, Health: c.Health}
		for _, r := range c.Reasons {
			f.Message = strings.TrimPrefix(f.Message+"; "+r.Message, "; ")
		}
		list = append(list, f)
	}
	return list, nil
}

// diagnoseLog looks at both ends of the log: at the clock, and at how long it is.
func (e *Engine) diagnoseLog(r store.Reader, x Expected) ([]desk.Finding, error) {
	oldest, last, err := r.EventTimes()
	if err != nil {
		return nil, err
	}
	now := e.Store.Now()
	clock := desk.Found("clock", desk.HealthOK, "the newest event is %s old", desk.Span(max(0, now.Sub(last))))
	if ahead := last.Sub(now); last.IsZero() {
		clock = desk.Found("clock", desk.HealthOK, "there are no events yet")
	} else if ahead > clockSkew {
		clock = desk.Found("clock", desk.HealthAttention, "the newest event is of %s, %s ahead of this machine's clock, which went back, or another server's is wrong; run NTP. Histories are out of order until then", desk.Moment(last), desk.Span(ahead))
	}
	log := desk.Found("log", desk.HealthOK, "kept for ever")
	if x.KeepEvents > 0 {
		log = desk.Found("log", desk.HealthOK, "kept for %s", desk.Span(x.KeepEvents))
		// Deleted once an hour, a page after the other.
		if age := now.Sub(oldest); !oldest.IsZero() && age > x.KeepEvents+24*time.Hour {
			log = desk.Found("log", desk.HealthAttention, "an event is %s old, where %s are kept; look for job=\"delete old events\" in the servers' logs, and whether all have the same --keep-events", desk.Span(age), desk.Span(x.KeepEvents))
		}
	}
	return []desk.Finding{clock, log}, nil
}

// diagnoseJobs looks whether the work in the background is done, and gets to an end.
func (e *Engine) diagnoseJobs(r store.Reader, x Expected) ([]desk.Finding, error) {
	now := e.Store.Now()
	overdue, err := r.OverdueJobs(now.Add(-late))
	if err != nil {
		return nil, err
	}
	overdue = slices.DeleteFunc(overdue, func(name string) bool { return !slices.Contains(x.Jobs, name) }) // another version's, or switched off
	rescans, err := r.StaleRescans(now.Add(-long))
	if err != nil {
		return nil, err
	}
	reapplies, err := r.Reapplies()
	if err != nil {
		return nil, err
	}
	unsettled, err := r.UnsettledCycles(now.Add(-long), 1)
	if err != nil {
		return nil, err
	}
	var list []desk.Finding
	add := func(format string, args ...any) {
		list = append(list, desk.Found("jobs", desk.HealthAttention, format, args...))
	}
	const look = "look for level=ERROR in the servers' logs"
	if len(overdue) > 0 {
		add("no server does what is due (%s); start one, or %s", strings.Join(overdue, ", "), look)
	}
	for _, tenant := range rescans {
		add("contacts of %s have been mapped to companies anew for more than an hour; if rollcall company rescan --tenant %s does not end that, %s", tenant, tenant, look)
	}
	for _, a := range reapplies {
		if now.Sub(a.StartedAt) > long {
			add("settings of %s/%s have been applied to its people since %s, %d so far; if that does not grow, %s", a.TenantID, a.Connection, desk.Moment(a.StartedAt), a.Checked, look)
		}
	}
	if len(unsettled) > 0 && len(overdue) == 0 {
		add("cycles are not counted when they are over; %s", look)
	}
	if len(list) == 0 {
		list = []desk.Finding{desk.Found("jobs", desk.HealthOK, "none is overdue")}
	}
	return list, nil
}

// diagnoseCredentials looks at tokens of the JSON API. Those of directories are judged with their connections.
func (e *Engine) diagnoseCredentials(r store.Reader, _ Expected) ([]desk.Finding, error) {
	now := e.Store.Now()
	tokens, err := r.ExpiringTokens(now.Add(-tokenMourned), now.Add(tokenNotice), mostTokens)
	list := make([]desk.Finding, len(tokens))
	for i, t := range tokens {
		verb := "expires"
		if t.ExpiresAt.Before(now) {
			verb = "expired"
		}
		list[i] = desk.Found("tokens of "+t.TenantID, desk.HealthAttention, "%s, of the JSON API, %s at %s; if a program still uses it, give it a new one: rollcall token create --tenant %s --role %s",
			cmp.Or(t.Label, t.ID), verb, desk.Moment(*t.ExpiresAt), t.TenantID, t.Role)
	}
	if len(list) == 0 {
		list = []desk.Finding{desk.Found("tokens", desk.HealthOK, "none of the JSON API expires within 30 days")}
	}
	return list, err
}

// diagnoseAdmins looks for helpdesks that nobody can administer.
func (e *Engine) diagnoseAdmins(r store.Reader, _ Expected) ([]desk.Finding, error) {
	without, err := r.WithoutAdmin()
	list := make([]desk.Finding, len(without))
	for i, w := range without {
		list[i] = desk.Found("administrators of "+w.TenantID, desk.HealthAttention, "none can sign in; rollcall agent create EMAIL --tenant %s --role admin prints a link for one", w.TenantID)
		if w.Invited {
			list[i] = desk.Found("administrators of "+w.TenantID, desk.HealthAttention, "none has signed in yet; rollcall agent link EMAIL --tenant %s prints a new link for the one who is invited", w.TenantID)
		}
	}
	if len(list) == 0 {
		list = []desk.Finding{desk.Found("administrators", desk.HealthOK, "each helpdesk has one")}
	}
	return list, err
}

// diagnoseRows looks whether the newest rows hold what must always be true of them.
func (e *Engine) diagnoseRows(r store.Reader, _ Expected) ([]desk.Finding, error) {
	tenants, err := r.Tenants()
	if err != nil {
		return nil, err
	}
	var list []desk.Finding
	add := func(name string, odd []store.Oddity) {
		if len(odd) > 0 {
			list = append(list, desk.Found(name, desk.HealthFailing, "%d of the newest %d should not be as they are: the first, %s, %s. Make a backup, and report it", len(odd), sampled, odd[0].ID, odd[0].What))
		}
	}
	for _, t := range tenants {
		odd, err := r.OddContacts(t.ID, sampled)
		if err != nil {
			return nil, err
		}
		add("contacts of "+t.ID, odd)
		connections, err := r.Connections(t.ID)
		if err != nil {
			return nil, err
		}
		for _, c := range connections {
			odd, err := r.OddUsers(t.ID, c.Slug, sampled)
			if err != nil {
				return nil, err
			}
			add("people of "+t.ID+"/"+c.Slug, odd)
		}
	}
	if len(list) == 0 {
		list = []desk.Finding{desk.Found("people", desk.HealthOK, "the newest %d contacts of each helpdesk, and people of each connection, are as they should be", sampled)}
	}
	return list, nil
}
