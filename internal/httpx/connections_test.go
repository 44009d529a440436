package httpx

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestConnections holds which connection is closed when there are too many: the one that was quiet for longest, whether it was
// used before or not, but none with a request under way.
func TestConnections(t *testing.T) {
	const most = 3
	release := make(chan bool)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			<-release
		}
		io.WriteString(w, "ok")
	}))
	bound := NewConnections(most)
	server.Listener = bound.Bound(server.Config, server.Listener)
	server.Start()
	defer server.Close()

	type client struct {
		net.Conn
		*bufio.Reader
	}
	dial := func() client {
		t.Helper()
		conn, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return client{conn, bufio.NewReader(conn)}
	}
	send := func(c client, text string) { fmt.Fprintf(c.Conn, "%s HTTP/1.1\r\nHost: x\r\n\r\n", text) }
	answered := func(c client) bool {
		c.SetReadDeadline(time.Now().Add(10 * time.Second))
		response, err := http.ReadResponse(c.Reader, nil)
		if err != nil {
			return false
		}
		text, err := io.ReadAll(response.Body)
		return err == nil && string(text) == "ok"
	}
	quiet := func() int {
		bound.mu.Lock()
		defer bound.mu.Unlock()
		return bound.quiet.Len()
	}
	until := func(what string, is func() bool) {
		t.Helper()
		for range 500 {
			if is() {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("%s: %d connections are open, %d of them quiet", what, bound.open, quiet())
	}

	silent, slow, used := dial(), dial(), dial()
	until("all are open", func() bool { return quiet() == most })
	fmt.Fprint(slow.Conn, "GET / HTTP/1.1\r\nHo")
	send(silent, "GET /")
	if !answered(silent) {
		t.Fatal("no answer")
	}
	until("the answer ends", func() bool { return quiet() == most })
	// slow is now the one that is quiet for longest: a part of a request is none.
	four := dial()
	send(four, "GET /wait")
	until("one is busy", func() bool { return quiet() == most-1 })
	if answered(slow) {
		t.Error("the slow one was answered")
	}
	send(used, "GET /wait")
	send(silent, "GET /wait")
	until("all are busy", func() bool { return quiet() == 0 })
	five := dial()
	send(five, "GET /")
	five.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
	if _, err := five.ReadByte(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a connection too many gets %v while all others are busy", err)
	}
	close(release)
	for i, c := range []client{four, used, silent, five} {
		// What was under way is answered; one of them was then closed for the fifth.
		if !answered(c) {
			t.Errorf("connection %d was not answered", i)
		}
	}
	until("one made room", func() bool { return quiet() == most })
	server.CloseClientConnections()
	until("all are closed", func() bool { return quiet() == 0 })
	if bound.open != 0 {
		t.Errorf("%d connections are still counted", bound.open)
	}
}

// heldListener hands out connections that send nothing before they are let.
type heldListener struct {
	net.Listener
	accepted, sending chan bool
	let               chan bool
}

func (l *heldListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.accepted <- true
	}
	return &heldConn{conn, l}, err
}

type heldConn struct {
	net.Conn
	of *heldListener
}

func (c *heldConn) Write(b []byte) (int, error) {
	c.of.sending <- true
	<-c.of.let
	return c.Conn.Write(b)
}

// TestConnectionsAreAnswered holds that a connection whose answer is not sent yet makes no room, though its request is worked off.
func TestConnectionsAreAnswered(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
	held := &heldListener{server.Listener, make(chan bool, 2), make(chan bool, 2), make(chan bool)}
	bound := NewConnections(1)
	bound.moment = time.Minute
	server.Listener = bound.Bound(server.Config, held)
	server.Start()
	defer server.Close()
	get := func() <-chan error {
		done := make(chan error, 1)
		go func() {
			client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
			defer client.CloseIdleConnections()
			response, err := client.Get(server.URL)
			if err == nil {
				defer response.Body.Close()
				_, err = io.ReadAll(response.Body)
			}
			done <- err
		}()
		return done
	}
	first := get()
	<-held.accepted
	<-held.sending
	second := get()
	<-held.accepted
	time.Sleep(50 * time.Millisecond) // for it to look for room
	close(held.let)
	for _, done := range []<-chan error{first, second} {
		if err := <-done; err != nil {
			t.Errorf("a request got no answer: %v", err)
		}
	}
}

// TestConnectionsAreNotKept holds that no client keeps its connection by what it does after its request is worked off: here the server
// waits for the rest of a body before it answers.
func TestConnectionsAreNotKept(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
	server.Listener = NewConnections(1).Bound(server.Config, server.Listener)
	server.Start()
	defer server.Close()
	slow, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	fmt.Fprint(slow, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
	client := &http.Client{Transport: &http.Transport{}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	response, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
}

// TestConnectionsEnd holds that a server which waits for room can be ended.
func TestConnectionsEnd(t *testing.T) {
	bound := NewConnections(1)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := bound.Bound(&http.Server{}, inner)
	for range 2 {
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	first, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	first.(*connection).begin()
	ended := make(chan error)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	time.Sleep(50 * time.Millisecond) // for it to wait
	l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener ends with %v", err)
	}
}
