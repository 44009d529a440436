package store

import (
	"strconv"
	"strings"
	"sync"
)

// A directory that pushes its people for the first time makes one create like the other: nobody has the person's keys, the connection is as
// the request knows it, and the email domain leads to the companies of the last one. PostgreSQL is then not asked, which is a round trip,
// but told what its answer is taken to be, along with all that is written. If that is wrong it refuses, and the transaction runs again and
// asks.

// guesses remembers which companies mattered to a connection's last create in an email domain, if that found nobody with the person's keys.
// The zero value is ready.
type guesses struct {
	mu   sync.Mutex
	list map[guessKey][]companyFact
}

type guessKey struct{ tenant, connection, domain, company string }

const maxGuesses = 4000

func (p Person) guessKey(q CompanyQuery) guessKey {
	return guessKey{p.TenantID, p.Connection, q.Domain, q.Name}
}

func (g *guesses) of(key guessKey) (facts []companyFact, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	facts, ok = g.list[key]
	return facts, ok
}

func (g *guesses) learn(key guessKey, known bool, facts []companyFact) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case known:
		delete(g.list, key)
		return
	case g.list == nil || len(g.list) >= maxGuesses:
		g.list = map[guessKey][]companyFact{}
	}
	g.list[key] = facts
}

// guess makes what a create would ask a statement that fails unless nobody has one of the keys, the connection has the state, and the facts
// are these.
func (p Person) guess(q CompanyQuery, state string, facts []companyFact) question {
	keys, args := p.byKeys(make([]any, 0, 32))
	args = append(args, state)
	shape := guessShape{keys, q.shape()}
	if shape.text() != "" {
		var text strings.Builder
		for i, f := range facts {
			if i > 0 {
				text.WriteByte(',')
			}
			text.WriteString(strconv.Itoa(f.source) + f.companyID)
		}
		args = append(q.args(args), text.String())
	}
	return question{sql: shape.guess(), args: args, row: ignore, guess: true}
}

// guessShape is what the text of a guess depends on.
type guessShape struct {
	keys int
	companyShape
}

// guessTexts remembers them.
var guessTexts sync.Map

func (s guessShape) guess() string {
	if known, ok := guessTexts.Load(s); ok {
		return known.(string)
	}
	text := guessState + anybody[s.keys] + guessedState
	if ask := s.text(); ask != "" {
		text += guessFacts + ask + guessedFacts
	}
	text += guessRight + guessWrong
	guessTexts.Store(s, text)
	return text
}

const (
	guessState   = "SELECT CASE WHEN EXISTS (SELECT 1 FROM ("
	guessedState = ") AS a WHERE NOT known AND paused_at IS NULL AND CAST(settings AS text) || coalesce(E'\\n' || fields, '') = ?)"
	guessFacts   = " AND coalesce((SELECT string_agg(source || company_id, ',') FROM ("
	guessedFacts = ") AS f), '') = ?"
	guessRight   = " THEN 0"
	guessWrong   = " ELSE CAST('" + wrongGuess + "' || random() AS int) END" // random lest that is tried beforehand

	// wrongGuess is what PostgreSQL's own log then tells.
	wrongGuess = "rollcall has guessed wrong, which is no fault, and asks now: "
)
