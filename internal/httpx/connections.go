package httpx

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// Connections bounds how many connections are open at once. Where another one comes, that is closed which has gone longest
// without a request under way: clients open idle ones again, and who is slow to send a request, or sends none, cannot keep out
// others. Requests under way are not broken off, nor are answers to those that have just been worked off, which the server sends only
// then; a new connection waits for one to end if there is nothing else.
type Connections struct {
	max    int
	moment time.Duration // how long a connection is kept after a request, since the answer is sent only then

	mu    sync.Mutex
	room  *sync.Cond
	open  int
	quiet list.List // of *connection, the one without a request for the longest time first
}

// filesBeside is how many files a server has open beside its connections: those of the database above all.
const filesBeside = 128

// NewConnections allows up to so many connections, or as many as the system lets the process have files open.
func NewConnections(most int) *Connections {
	c := &Connections{max: max(1, min(most, maxFiles()-filesBeside)), moment: 250 * time.Millisecond}
	c.room = sync.NewCond(&c.mu)
	return c
}

// Max returns how many connections may be open.
func (c *Connections) Max() int { return c.max }

// Bound has a server keep to the bound, and returns the listener for it to serve.
func (c *Connections) Bound(server *http.Server, l net.Listener) net.Listener {
	server.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		if secured, ok := conn.(interface{ NetConn() net.Conn }); ok {
			conn = secured.NetConn()
		}
		return context.WithValue(ctx, connectionKey{}, conn)
	}
	next := server.Handler
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn := r.Context().Value(connectionKey{}).(*connection)
		conn.begin()
		defer conn.end()
		next.ServeHTTP(w, r)
	})
	return &listener{Listener: l, connections: c}
}

type connectionKey struct{}

type listener struct {
	net.Listener
	connections *Connections
	closed      bool // guarded by connections.mu
}

// Accept makes room for a new connection.
func (l *listener) Accept() (net.Conn, error) {
	raw, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := l.connections
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.open >= c.max && !l.closed {
		if c.quiet.Len() == 0 {
			c.room.Wait()
			continue
		}
		oldest := c.quiet.Front().Value.(*connection)
		if rest := c.moment - time.Since(oldest.ended); rest > 0 {
			wake := time.AfterFunc(rest, c.room.Broadcast)
			c.room.Wait()
			wake.Stop()
			continue
		}
		oldest.drop()
	}
	if l.closed {
		raw.Close()
		return nil, net.ErrClosed
	}
	conn := &connection{Conn: raw, of: c}
	conn.place = c.quiet.PushBack(conn)
	c.open++
	return conn, nil
}

func (l *listener) Close() error {
	l.connections.mu.Lock()
	l.closed = true
	l.connections.room.Broadcast()
	l.connections.mu.Unlock()
	return l.Listener.Close()
}

// connection is an open one. Its fields are guarded by of.mu.
type connection struct {
	net.Conn
	of       *Connections
	requests int           // under way; HTTP/2 has several
	place    *list.Element // among the quiet ones, nil while there are requests
	ended    time.Time     // when the last request was worked off; zero if there was none
	closed   bool
}

func (c *connection) begin() {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.requests++
	c.leave()
}

func (c *connection) end() {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.requests--; c.requests == 0 && !c.closed {
		c.ended = time.Now()
		c.place = c.of.quiet.PushBack(c)
		c.of.room.Signal()
	}
}

// Close is called by the server when it is done with the connection.
func (c *connection) Close() error {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	return c.drop()
}

// drop closes the connection. of.mu is locked: closing a socket does not wait for the other side.
func (c *connection) drop() error {
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	c.leave()
	c.of.open--
	c.of.room.Signal()
	return c.Conn.Close()
}

// leave takes the connection from the quiet ones.
func (c *connection) leave() {
	if c.place != nil {
		c.of.quiet.Remove(c.place)
		c.place = nil
	}
}
