package desk_test

import (
	"strings"
	"testing"
	"time"

	"rollcall/desk"
)

func TestDiagnose(t *testing.T) {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) *time.Time { t := now.Add(d); return &t }
	const day = 24 * time.Hour
	token := func(label string, expires, used *time.Time) desk.Token {
		return desk.Token{Label: label, ExpiresAt: expires, LastUsedAt: used}
	}
	cycle := func(ended time.Duration, refused, updated int) desk.Cycle {
		return desk.Cycle{StartedAt: now.Add(ended - time.Minute), EndedAt: now.Add(ended), Outcomes: map[desk.Outcome]int{desk.Refused: refused, desk.Updated: updated}}
	}
	forever := []desk.Token{token("", nil, nil)}
	busy := []desk.Cycle{cycle(-time.Minute, 0, 10)}
	for name, c := range map[string]struct {
		v      desk.Vitals
		health desk.Health
		codes  string
		says   string
	}{
		"all well":      {desk.Vitals{Credentials: forever, Recent: busy}, desk.HealthOK, "", ""},
		"just made":     {desk.Vitals{Connection: desk.Connection{CreatedAt: now.Add(-time.Hour)}, Credentials: forever}, desk.HealthOK, "", ""},
		"never started": {desk.Vitals{Connection: desk.Connection{CreatedAt: now.Add(-2 * day)}, Credentials: forever}, desk.HealthAttention, "silence", "start provisioning"},
		"paused": {desk.Vitals{Connection: desk.Connection{PausedAt: at(-day), PausedBy: "Ann", Provider: "entra"}, Credentials: forever, Recent: []desk.Cycle{cycle(-day, 0, 1)}},
			desk.HealthAttention, "paused", "Ann paused the connection at 2026-11-20 12:00 UTC"},
		"no token":               {desk.Vitals{Recent: busy}, desk.HealthAttention, "no_credential", ""},
		"federated":              {desk.Vitals{Recent: busy, Federated: true}, desk.HealthOK, "", ""},
		"expired":                {desk.Vitals{Recent: busy, Credentials: []desk.Token{token("first", at(-time.Minute), at(-time.Hour))}}, desk.HealthFailing, "credential_expired", "the token first expired"},
		"expires tomorrow":       {desk.Vitals{Recent: busy, Credentials: []desk.Token{token("", at(day-time.Minute), nil)}}, desk.HealthFailing, "credential_expires", "within a day"},
		"expires this week":      {desk.Vitals{Recent: busy, Credentials: []desk.Token{token("", at(7*day), nil)}}, desk.HealthAttention, "credential_expires", "within 7 days"},
		"expires this month":     {desk.Vitals{Recent: busy, Credentials: []desk.Token{token("", at(8*day), nil)}}, desk.HealthAttention, "credential_expires", "within 30 days"},
		"expires later":          {desk.Vitals{Recent: busy, Credentials: []desk.Token{token("", at(31*day), nil)}}, desk.HealthOK, "", ""},
		"rotated":                {desk.Vitals{Recent: busy, Credentials: []desk.Token{token("old", at(day), at(-day)), token("new", at(300*day), at(-time.Minute))}}, desk.HealthOK, "", ""},
		"rotated, but not there": {desk.Vitals{Recent: busy, Credentials: []desk.Token{token("old", at(2*day), at(-time.Minute)), token("new", nil, nil)}}, desk.HealthAttention, "credential_expires", "the token old"},
		"none used, one good":    {desk.Vitals{Recent: busy, Credentials: []desk.Token{token("old", at(-day), nil), token("new", nil, nil)}}, desk.HealthOK, "", ""},

		"few failures":         {desk.Vitals{Credentials: forever, Recent: []desk.Cycle{cycle(-time.Minute, 4, 1)}}, desk.HealthOK, "", ""},
		"some failures":        {desk.Vitals{Credentials: forever, Recent: []desk.Cycle{cycle(-time.Minute, 20, 80)}}, desk.HealthAttention, "failures", "20 of 100"},
		"a tenth":              {desk.Vitals{Credentials: forever, Recent: []desk.Cycle{cycle(-time.Minute, 10, 90)}}, desk.HealthOK, "", ""},
		"many failures":        {desk.Vitals{Connection: desk.Connection{Provider: "entra", CreatedAt: now}, Credentials: forever, Recent: []desk.Cycle{cycle(-time.Minute, 41, 59)}}, desk.HealthFailing, "failures", "quarantine"},
		"of another directory": {desk.Vitals{Credentials: forever, Recent: []desk.Cycle{cycle(-time.Minute, 41, 59)}}, desk.HealthFailing, "failures", "the log says why"},
		"in the hour together": {desk.Vitals{Credentials: forever, Recent: []desk.Cycle{cycle(-time.Minute, 0, 10), cycle(-30*time.Minute, 30, 0)}}, desk.HealthFailing, "failures", "30 of 40 writes failed in the last hour"},
		"in the last cycle":    {desk.Vitals{Credentials: forever, Recent: []desk.Cycle{cycle(-5*time.Hour, 30, 0)}}, desk.HealthFailing, "failures", "the last cycle"},
		"mended since":         {desk.Vitals{Credentials: forever, Recent: []desk.Cycle{cycle(-time.Minute, 0, 10), cycle(-2*time.Hour, 30, 0)}}, desk.HealthOK, "", ""},

		"silent":              {desk.Vitals{Connection: desk.Connection{Provider: "entra"}, Credentials: forever, Recent: []desk.Cycle{cycle(-121*time.Minute, 0, 1)}}, desk.HealthFailing, "silence", "nothing has come for 2 hours, where the directory comes every 40 minutes"},
		"not yet silent":      {desk.Vitals{Connection: desk.Connection{Provider: "entra"}, Credentials: forever, Recent: []desk.Cycle{cycle(-119*time.Minute, 0, 1)}}, desk.HealthOK, "", ""},
		"comes when it likes": {desk.Vitals{Connection: desk.Connection{Provider: "okta"}, Credentials: forever, Recent: []desk.Cycle{cycle(-100*day, 0, 1)}}, desk.HealthOK, "", ""},

		"one wrong token":     {desk.Vitals{Credentials: forever, Recent: busy, Denials: []desk.Denial{{Status: 401, Requests: 2}}}, desk.HealthOK, "", ""},
		"tokens of nobody's":  {desk.Vitals{Credentials: forever, Recent: busy, Denials: []desk.Denial{{Status: 401, Requests: 3000, Known: 2}}}, desk.HealthOK, "", ""},
		"an old token":        {desk.Vitals{Credentials: forever, Recent: busy, Denials: []desk.Denial{{Status: 401, Requests: 7, Known: 3}}}, desk.HealthFailing, "unauthorized", "the last 3 requests with a token of this helpdesk"},
		"a wrong tenant URL":  {desk.Vitals{Credentials: forever, Recent: busy, Denials: []desk.Denial{{Status: 404, Requests: 30, Known: 30}}}, desk.HealthFailing, "not_found", "tenant URL"},
		"a token cut short":   {desk.Vitals{Connection: desk.Connection{CreatedAt: now}, Credentials: forever, Denials: []desk.Denial{{Status: 401, Requests: 3}}}, desk.HealthAttention, "unauthorized", "if the directory does, copy its token again"},
		"not heard of lately": {desk.Vitals{Credentials: forever, Recent: []desk.Cycle{cycle(-25*time.Hour, 0, 1)}, Denials: []desk.Denial{{Status: 401, Requests: 3}}}, desk.HealthAttention, "unauthorized", "not known here"},
		"heard of yesterday":  {desk.Vitals{Credentials: forever, Recent: []desk.Cycle{cycle(-23*time.Hour, 0, 1)}, Denials: []desk.Denial{{Status: 401, Requests: 3}}}, desk.HealthOK, "", ""},
		"silent, and junk": {desk.Vitals{Connection: desk.Connection{Provider: "entra"}, Credentials: forever, Recent: []desk.Cycle{cycle(-121*time.Minute, 0, 1)}, Denials: []desk.Denial{{Status: 401, Requests: 3}}},
			desk.HealthFailing, "silence unauthorized", "copy its token again"},
		"the worst first": {desk.Vitals{Connection: desk.Connection{PausedAt: at(-day)}, Credentials: []desk.Token{token("", at(-day), nil)}, Recent: []desk.Cycle{cycle(-time.Minute, 20, 80)}},
			desk.HealthFailing, "credential_expired paused failures", ""},
	} {
		health, reasons := c.v.Diagnose(now)
		var codes, says []string
		for _, r := range reasons {
			codes, says = append(codes, r.Code), append(says, r.Message)
		}
		if health != c.health || strings.Join(codes, " ") != c.codes || !strings.Contains(strings.Join(says, "\n"), c.says) {
			t.Errorf("%s: %s, %v, %q", name, health, codes, says)
		}
	}
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 seconds", time.Second: "1 second", 119 * time.Second: "119 seconds", 2 * time.Minute: "2 minutes", 119*time.Minute + 59*time.Second: "119 minutes",
		2 * time.Hour: "2 hours", 47 * time.Hour: "47 hours", 48 * time.Hour: "2 days", 1000 * time.Hour: "41 days",
	} {
		if got := desk.Span(d); got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
	}
}
