package store

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A directory that pushes its people for the first time makes one create like the other: nobody has the person's keys, the connection is as
// the request knows it, and the email domain leads to the companies of the last one. PostgreSQL is then not asked, which is a round trip,
// but told what its answer is taken to be, and to write only if that is right; else the transaction runs again and asks. A change of a user
// guesses as well, namely that the user is still as it was read (LockUser).

// guesses remembers what a connection's last create in an email domain found. The zero value is ready.
type guesses struct {
	mu   sync.Mutex
	list map[guessKey]learnt
}

type guessKey struct{ tenant, connection, domain, company string }

// learnt is what a create found.
type learnt struct {
	facts []companyFact
	wait  int // for so many more creates that find nobody, before the next one guesses
}

const (
	maxGuesses = 4000
	patience   = 16 // where somebody was found, or a guess was wrong: it costs as much as some right ones save
)

func (p Person) guessKey(q CompanyQuery) guessKey {
	return guessKey{p.TenantID, p.Connection, q.Domain, q.Name}
}

// of returns the facts that a create may take for granted.
func (g *guesses) of(key guessKey) (facts []companyFact, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	known, ok := g.list[key]
	return known.facts, ok && known.wait == 0
}

// learn notes what a create found when it asked, and whether that was not to be expected.
func (g *guesses) learn(key guessKey, facts []companyFact, surprising bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(facts) > 0 && !slices.ContainsFunc(facts, func(f companyFact) bool { return f.source == linked }) {
		delete(g.list, key) // the next one will find that this one is the company's
		return
	}
	last := learnt{facts, max(0, g.list[key].wait-1)}
	if surprising {
		last.wait = patience
	}
	if g.list == nil || len(g.list) >= maxGuesses {
		g.list = map[guessKey]learnt{}
	}
	key.domain, key.company = strings.Clone(key.domain), strings.Clone(key.company) // lest they keep all of the request
	g.list[key] = last
}

// guessLock locks the person's keys, as Lock does, but where it would have to wait for one the guess is wrong.
func (p Person) guessLock() question {
	args := lockKeys(p.TenantID, p.lockKeys())
	return question{sql: guessLock + strings.Repeat(" AND pg_try_advisory_xact_lock(?)", len(args)-1) + guessEnd, args: args, row: ignore}
}

// guess asks whether nobody has one of the keys, the connection has the state, and the facts are these. What is written with it is written
// only then (ifGuessed).
func (p Person) guess(q CompanyQuery, state string, facts []companyFact, wrong *bool) question {
	keys, args := p.byKeys(make([]any, 0, 32))
	args = append(args, state)
	shape := guessShape{keys, q.shape(), len(facts) == 0}
	if shape.nothing {
		args = q.args(args, 1)
	} else {
		var text strings.Builder
		for i, f := range facts {
			if i > 0 {
				text.WriteByte(',')
			}
			text.WriteString(strconv.Itoa(f.source) + f.companyID)
		}
		args = append(q.args(args, 2), text.String())
	}
	return guessing(shape.guess(), args, wrong)
}

// guessing asks whether a guess is right.
func guessing(sql string, args []any, wrong *bool) question {
	return question{sql: sql, args: args, guess: true, row: func(scan scanner) error {
		var said string
		err := scan(&said)
		*wrong = *wrong || said != "right"
		return err
	}}
}

// guessShape is what the text of a guess depends on.
type guessShape struct {
	keys int
	companyShape
	nothing bool // whether no company matters
}

// guessTexts remembers them; only usual shapes are guessed.
var guessTexts sync.Map

func (s guessShape) guess() string {
	if known, ok := guessTexts.Load(s); ok {
		return known.(string)
	}
	text := guessBegin
	for _, way := range waysByKeys(s.keys) {
		text += noneOf(way)
	}
	text += guessState
	if s.nothing {
		text += s.companyShape.nothing()
	} else {
		text += guessFacts + s.text() + guessedFacts
	}
	text += guessEnd
	guessTexts.Store(s, text)
	return text
}

const (
	guessLock    = "SELECT set_config('rollcall.guess', CASE WHEN pg_try_advisory_xact_lock_shared(?)"
	guessBegin   = "SELECT set_config('rollcall.guess', CASE WHEN " + guessRight
	guessState   = " AND EXISTS (" + selectState + " AND c.paused_at IS NULL AND CAST(c.settings AS text) || coalesce(E'\\n' || n.fields, '') = ?)"
	guessFacts   = " AND coalesce((SELECT string_agg(source || company_id, ',') FROM ("
	guessedFacts = ") AS f), '') = ?"
	guessEnd     = " THEN 'right' ELSE 'wrong' END, true)"

	// ifGuessed is the condition of what is written with a guess, andGuessed the same after others.
	ifGuessed  = " WHERE " + guessRight
	andGuessed = " AND " + guessRight
	guessRight = "current_setting('rollcall.guess') = 'right'"
)

// errUnsure says that what a transaction, or a part of one, did or refused rests on a guess that is wrong or may be.
var errUnsure = errors.New("this rests on a guess")
