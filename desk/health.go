package desk

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Health is how a connection does: ok, attention (somebody should look) or failing (people are not, or soon not, in step).
type Health string

const (
	HealthOK        Health = "ok"
	HealthAttention Health = "attention"
	HealthFailing   Health = "failing"
)

// HealthReason is one thing that is wrong with a connection.
type HealthReason struct {
	Code    string `json:"code"` // "paused", "no_credential", "credential_expired", "credential_expires", "failures", "silence", "unauthorized", "not_found"
	Health  Health `json:"health"`
	Message string `json:"message"` // what it is and what to do
}

// Finding is what a check of an installation came to.
type Finding struct {
	Name    string // what was checked
	Health  Health
	Message string // what it is; and what to do, unless it is ok
}

// Found returns a finding.
func Found(name string, h Health, format string, args ...any) Finding {
	return Finding{Name: name, Health: h, Message: fmt.Sprintf(format, args...)}
}

// Vitals are what a connection's health is judged by.
type Vitals struct {
	Connection  Connection
	Credentials []Token // SCIM tokens, and secrets of OAuth clients
	// Federated says that a client signs in with another issuer's assertions, which have no expiry that is known here.
	Federated bool
	Recent    []Cycle // that went on within the last hour, and the last one, newest first
	Denials   []Denial
}

// Denial is a streak of requests to a connection that were answered with 401, or that asked for what is no endpoint, since the
// last one that was served.
type Denial struct {
	TenantID   string `gorm:"primaryKey"`
	Connection string `gorm:"primaryKey"`
	Status     int    `gorm:"primaryKey"` // 401 or 404
	Requests   int
	Known      int // of these, that came with a token of the tenant
	FirstAt    time.Time
	LastAt     time.Time
}

// Intervals are how long directories take from the beginning of a cycle to that of the next, where they come by the clock.
var Intervals = map[string]time.Duration{"entra": 40 * time.Minute}

const (
	// Entra quarantines a job of which more than 40 % of the requests fail (from 5,000 failures on), or all of them.
	failingShare, attentionShare = 0.4, 0.1
	// fewFailures are no sign of anything.
	fewFailures = 5
	// missedIntervals is after how many intervals without a request a directory is silent.
	missedIntervals = 3
	// streak is how many denials in a row are no mistyped token any more.
	streak = 3
)

// Diagnose returns a connection's health and all that is wrong, the worst first.
func (v *Vitals) Diagnose(now time.Time) (Health, []HealthReason) {
	var reasons []HealthReason
	add := func(code string, h Health, format string, args ...any) {
		reasons = append(reasons, HealthReason{code, h, fmt.Sprintf(format, args...)})
	}
	if v.Connection.PausedAt != nil {
		add("paused", HealthAttention, "%s paused the connection at %s; its directory is told to try again", v.Connection.PausedBy, Moment(*v.Connection.PausedAt))
	}
	v.credentials(now, add)
	v.failures(now, add)
	v.silence(now, add)
	for _, d := range v.Denials {
		v.denied(d, now, add)
	}
	slices.SortStableFunc(reasons, func(a, b HealthReason) int { return cmp.Compare(a.Health.rank(), b.Health.rank()) })
	if len(reasons) == 0 {
		return HealthOK, nil
	}
	return reasons[0].Health, reasons
}

// denied judges a streak. Requests without a token of the tenant's may be anybody's: they say nothing of a connection that is served, and
// are no failure of one that is not.
func (v *Vitals) denied(d Denial, now time.Time, add func(string, Health, string, ...any)) {
	stops := ". Directories stop asking after such streaks" + v.ofEntra(": Entra puts the job into quarantine")
	switch {
	case d.Known >= streak && d.Status == 404:
		add("not_found", HealthFailing, "the last %d requests, since %s, came for a path that is none of ours; check the tenant URL in the directory"+stops, d.Known, Moment(d.FirstAt))
	case d.Known >= streak:
		add("unauthorized", HealthFailing, "the last %d requests with a token of this helpdesk, since %s, had one that has expired, was deleted or is another connection's; give the directory a new one"+stops,
			d.Known, Moment(d.FirstAt))
	case d.Status == 401 && d.Requests >= streak && !v.served(now):
		add("unauthorized", HealthAttention, "%d requests, since %s, came with a token that is not known here, or with none. Anybody can send such; if the directory does, copy its token again, to the last character, or make a new one",
			d.Requests, Moment(d.FirstAt))
	}
}

// served reports whether the directory has been heard of as lately as can be expected: within a day where it comes when it likes.
func (v *Vitals) served(now time.Time) bool {
	quiet := 24 * time.Hour
	if interval := Intervals[v.Connection.Provider]; interval > 0 {
		quiet = missedIntervals * interval
	}
	return len(v.Recent) > 0 && now.Sub(v.Recent[0].EndedAt) <= quiet
}

// ofEntra returns what is told of Entra alone, "" for another directory.
func (v *Vitals) ofEntra(text string) string {
	if v.Connection.Provider != "entra" {
		return ""
	}
	return text
}

func (h Health) rank() int {
	return slices.Index([]Health{HealthFailing, HealthAttention, HealthOK}, h)
}

// credentials judges what the directory signs in with: the credential that it used last, else the one that is good for longest.
func (v *Vitals) credentials(now time.Time, add func(string, Health, string, ...any)) {
	if v.Federated {
		return
	}
	if len(v.Credentials) == 0 {
		add("no_credential", HealthAttention, "there is no token for the directory; make one")
		return
	}
	current := slices.MaxFunc(v.Credentials, func(a, b Token) int {
		if used := compareTimes(a.LastUsedAt, b.LastUsedAt, time.Time{}); used != 0 {
			return used
		}
		return compareTimes(a.ExpiresAt, b.ExpiresAt, now.AddDate(1000, 0, 0))
	})
	if current.ExpiresAt == nil {
		return
	}
	name := "the token"
	if current.Label != "" {
		name += " " + current.Label
	}
	const days = 24 * time.Hour
	switch left := current.ExpiresAt.Sub(now); {
	case left <= 0:
		add("credential_expired", HealthFailing, "%s expired at %s; make a new one and give it to the directory", name, Moment(*current.ExpiresAt))
	case left <= days:
		add("credential_expires", HealthFailing, "%s expires within a day, at %s; make a new one and give it to the directory now", name, Moment(*current.ExpiresAt))
	case left <= 30*days:
		within := 30
		if left <= 7*days {
			within = 7
		}
		add("credential_expires", HealthAttention, "%s expires within %d days, at %s; make a new one beside it and give it to the directory", name, within, Moment(*current.ExpiresAt))
	}
}

// compareTimes compares times of which one may be missing: it is then taken for another.
func compareTimes(a, b *time.Time, missing time.Time) int {
	at := func(t *time.Time) time.Time {
		if t == nil {
			return missing
		}
		return *t
	}
	return at(a).Compare(at(b))
}

// failures judges the share of writes that failed, in the last hour and in the last cycle.
func (v *Vitals) failures(now time.Time, add func(string, Health, string, ...any)) {
	worst, said := HealthOK, ""
	judge := func(when string, list []Cycle) {
		failed, all := 0, 0
		for i := range list {
			failed += list[i].Failed()
			all += list[i].Failed() + list[i].Synced() + list[i].Unchanged + list[i].Outcomes[Skipped]
		}
		h := HealthOK
		switch share := float64(failed) / float64(max(all, 1)); {
		case failed < fewFailures || share <= attentionShare:
		case share > failingShare:
			h = HealthFailing
		default:
			h = HealthAttention
		}
		if h.rank() < worst.rank() {
			said = fmt.Sprintf("%d of %d writes failed in %s; the log says why", failed, all, when)
			worst, said = h, said+v.ofEntra(fmt.Sprintf(". Entra puts a job into quarantine when more than %.0f %% fail", 100*failingShare))
		}
	}
	var hour []Cycle
	for _, c := range v.Recent {
		if now.Sub(c.EndedAt) < time.Hour {
			hour = append(hour, c)
		}
	}
	judge("the last hour", hour)
	judge("the last cycle", v.Recent[:min(1, len(v.Recent))])
	if said != "" {
		add("failures", worst, "%s", said)
	}
}

// silence judges how long nothing has come, for directories that come by the clock.
func (v *Vitals) silence(now time.Time, add func(string, Health, string, ...any)) {
	interval := Intervals[v.Connection.Provider]
	if v.Connection.PausedAt != nil {
		return
	}
	if len(v.Recent) == 0 {
		if now.Sub(v.Connection.CreatedAt) > 24*time.Hour {
			add("silence", HealthAttention, "nothing has ever come from the directory; start provisioning there")
		}
		return
	}
	if quiet := now.Sub(v.Recent[0].EndedAt); interval > 0 && quiet > missedIntervals*interval {
		add("silence", HealthFailing, "nothing has come for %s, where the directory comes every %s; look whether provisioning is stopped or in quarantine there",
			Span(quiet), Span(interval))
	}
}

// NextActivity is when a directory that comes by the clock should come again, nil where that is not known.
func (v *Vitals) NextActivity() *time.Time {
	interval := Intervals[v.Connection.Provider]
	if interval == 0 || len(v.Recent) == 0 {
		return nil
	}
	next := v.Recent[0].StartedAt.Add(interval)
	if next.Before(v.Recent[0].EndedAt) {
		next = v.Recent[0].EndedAt
	}
	return &next
}
