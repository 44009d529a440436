package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// numbered writes the parameters of a statement as PostgreSQL wants them. In no statement does a question mark stand for anything
// else.
func numbered(query string) string {
	if known, ok := numberedTexts.Load(query); ok {
		return known.(string)
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(query, "?") {
		if n > 0 {
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	if numberedCount.Load() < maxNumbered {
		numberedCount.Add(1)
		numberedTexts.Store(query, b.String())
	}
	return b.String()
}

// numberedTexts remembers what was written so. Filters make ever new statements; the first ones are those that come all day.
var (
	numberedTexts sync.Map
	numberedCount atomic.Int32
)

const maxNumbered = 1000

// pgConnector opens connections.
type pgConnector struct{ driver.Connector }

func (p pgConnector) Connect(ctx context.Context) (driver.Conn, error) {
	c, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return pgConn{c.(*stdlib.Conn)}, nil
}

// pgConn is a connection that is not given to another request once it is closed, as it is when a request is given up that waits for an
// answer. database/sql hands such a one to those who wait, and some of them, who get several, would fail.
type pgConn struct{ *stdlib.Conn }

// IsValid is asked when a request is done with the connection.
func (c pgConn) IsValid() bool { return !c.Conn.Conn().IsClosed() }

// pgAsk runs statements on a connection, all in one round trip.
func pgAsk(ctx context.Context, conn *sql.Conn, list ...question) error {
	return conn.Raw(func(c any) error {
		pg := c.(pgConn).Conn.Conn()
		if len(list) == 1 && list[0].row != nil {
			rows, err := pg.Query(ctx, numbered(list[0].sql), list[0].args...)
			if err != nil {
				return err
			}
			return pgRows(rows, list[0].row)
		}
		batch, queue := &pgx.Batch{QueuedQueries: make([]*pgx.QueuedQuery, len(list))}, make([]pgx.QueuedQuery, len(list))
		for i, q := range list {
			queue[i] = pgx.QueuedQuery{SQL: numbered(q.sql), Arguments: q.args}
			batch.QueuedQueries[i] = &queue[i]
		}
		results := pg.SendBatch(ctx, batch)
		for _, q := range list {
			var err error
			if q.row == nil {
				var done pgconn.CommandTag
				if done, err = results.Exec(); err == nil && q.sql == pgCommit && done.String() != "COMMIT" {
					err = pgx.ErrTxCommitRollback
				}
			} else if rows, failed := results.Query(); failed != nil {
				err = failed
			} else {
				err = pgRows(rows, q.row)
			}
			if err != nil {
				results.Close()
				return err
			}
		}
		return results.Close()
	})
}

func pgRows(rows pgx.Rows, row func(scanner) error) error {
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}
