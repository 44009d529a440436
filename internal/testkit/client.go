package testkit

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Answer is what came of a call.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Call sends a request with a bearer token, if token is not "", and a body: nil, text, or a value to send as JSON.
func Call(t testing.TB, method, url, token string, body any) Answer {
	t.Helper()
	a, err := Send(t.Context(), method, url, token, body)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Send does the same for goroutines of a test, which must not end it.
func Send(ctx context.Context, method, url, token string, body any) (Answer, error) {
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			return Answer{}, err
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, reader)
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("User-Agent", "")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	return Do(request)
}

// Do sends any request.
func Do(request *http.Request) (Answer, error) {
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return Answer{response.StatusCode, response.Header, text}, err
}

// client follows no redirects: they are answers like any other.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Want fails unless the answer has the status, and returns its JSON.
func (a Answer) Want(t testing.TB, status int) map[string]any {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d, want %d\n%s", a.Status, status, a.Body)
	}
	var v map[string]any
	if len(a.Body) > 0 && strings.Contains(a.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(a.Body, &v); err != nil {
			t.Fatalf("%v\n%s", err, a.Body)
		}
	}
	return v
}
