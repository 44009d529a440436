package store

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A commit and the way to PostgreSQL and back cost as much as the rows of a create or a change. What rests on one guess is known before
// anything is asked, and by whether its guess is right it is written or not, whatever comes before or after it: so those that come while
// others are under way go together, in one transaction, and each has its own outcome. They take no lock for which they would wait.
//
// What PostgreSQL refuses, such as a taken key, ends the transaction of all, and so does a row of one of them for which another transaction
// has to end first: it may take long, or wait for one of the others. They run again then, each in its own.

// pgGroups are the groups of a store. The zero value is ready.
type pgGroups struct {
	mu       sync.Mutex
	underWay int
	waiting  []*pgMember
	quickest time.Duration // of late
}

// pgMember is what one request writes, by one guess.
type pgMember struct {
	ctx  context.Context
	list []question
	done chan error // errLead, or what became of it
}

// errLead tells a member to take those who wait along.
var errLead = errors.New("the next group is to be led")

// near is how soon the commit of a database is answered that is close by, so that it is processors that bound it.
const near = time.Millisecond

// most is how many groups go at a time: to a database close by one for two processors, the server's and the database's, so that groups are
// large; to one far away as many as may take half of the connections, since to wait for another group would take longer than it saves.
func (g *pgGroups) most(connections int) int {
	n := connections / 2
	if g.quickest < near {
		n = min(n, runtime.GOMAXPROCS(0)/2)
	}
	return max(1, n)
}

// shared commits what waits for it in a transaction that other requests may share.
func (s *Store) shared(ctx context.Context, list []question) error {
	g, m := &s.groups, &pgMember{ctx, list, make(chan error, 1)}
	g.mu.Lock()
	wait := g.underWay >= g.most(s.connections)
	if wait {
		g.waiting = append(g.waiting, m)
	} else {
		g.underWay++
	}
	g.mu.Unlock()
	for wait {
		select {
		case err := <-m.done:
			if !errors.Is(err, errLead) {
				return err
			}
			wait = false
		case <-time.After(stuck):
			wait = !g.leave(m)
		}
	}
	s.lead(m)
	return <-m.done
}

// stuck is how long a group may wait for another transaction, and after how long who waits for a group goes beside it. It is shorter than
// PostgreSQL lets transactions wait for each other in a circle.
var stuck = 50 * time.Millisecond

// leave takes a member out of those who wait, and reports whether it did: it leads a group then.
func (g *pgGroups) leave(m *pgMember) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, m)
	if i < 0 {
		return false
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	g.underWay++
	return true
}

// lead commits what a member writes, and with it all that waits.
func (s *Store) lead(m *pgMember) {
	g := &s.groups
	g.mu.Lock()
	n := min(len(g.waiting), mostInGroup-1)
	members := append([]*pgMember{m}, g.waiting[:n]...)
	g.waiting = slices.Delete(g.waiting, 0, n)
	g.mu.Unlock()
	group := members[:0]
	for _, m := range members {
		if err := m.ctx.Err(); err != nil {
			m.done <- err
		} else {
			group = append(group, m)
		}
	}
	began, err := time.Now(), errGroup
	defer func() { // also after a panic
		took := time.Since(began)
		for _, m := range group {
			m.done <- err
		}
		g.mu.Lock()
		defer g.mu.Unlock()
		g.quickest += g.quickest / 4096 // so that what was long ago does not count
		if err == nil && (took < g.quickest || g.quickest == 0) {
			g.quickest = took
		}
		if len(g.waiting) == 0 || g.underWay > g.most(s.connections) {
			g.underWay--
			return
		}
		g.waiting[0].done <- errLead
		g.waiting = slices.Delete(g.waiting, 0, 1)
	}()
	if len(group) == 0 {
		return
	}
	err = s.commitGroup(group)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.SeverityUnlocalized == "ERROR" { // the connection has not ended
		err = errUnsure
	}
}

// commitGroup writes what members write. Once it is under way it does not end with any of the requests, but takes no longer than the last
// one may.
func (s *Store) commitGroup(group []*pgMember) error {
	last := group[len(group)-1].ctx
	ctx := context.WithoutCancel(last)
	if deadline, ok := last.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline)
		defer cancel()
	}
	conn, err := s.pools[0].Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	all := append(make([]question, 0, 12*len(group)), question{sql: pgBegin}, question{sql: "SET LOCAL lock_timeout = " + strconv.FormatInt(stuck.Milliseconds(), 10)})
	for _, m := range group {
		all = append(all, m.list...)
	}
	all = append(all, question{sql: pgCommit})
	ask := func() error { return pgAsk(ctx, conn, all...) }
	for _, m := range group {
		rest := ask
		ask = func() error { return s.observed(m.ctx, m.list, rest) }
	}
	if err = ask(); err != nil {
		pgRollBack(ctx, conn)
	}
	return err
}
