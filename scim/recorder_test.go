package scim_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rollcall/desk"
	"rollcall/internal/testkit"
)

// TestRecorder records each client's sequence, and replays the recording as a fixture: every answer has the same status, and
// nothing of what the client said of people is in the file.
func TestRecorder(t *testing.T) {
	files, err := filepath.Glob("../testdata/*/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	eachEndpoint(t, func(t *endpoint) {
		admin := t.Token(t, "main", desk.RoleAdmin)
		api := func(method, path string, body any) testkit.Answer {
			return testkit.Call(t, method, t.URL+"/api/v1/connections/entra"+path, admin, body)
		}
		if off := api("GET", "", nil).Want(t, 200); off["recorder"] != false {
			t.Errorf("a new connection is recorded: %v", off)
		}
		t.call("GET", "/Users", nil).Want(t, 200)
		if file := api("GET", "/recording", nil); file.Status != 200 || len(file.Body) > 0 {
			t.Errorf("recorded while off: %d %s", file.Status, file.Body)
		}
		for _, file := range files {
			if filepath.Base(filepath.Dir(file)) == "wire" {
				continue
			}
			slug := "r" + strings.ReplaceAll(filepath.Base(filepath.Dir(file))+strings.TrimSuffix(strings.ToLower(filepath.Base(file)), ".jsonl"), ".", "-")
			t.Run(slug, func(test *testing.T) {
				record(test, t.Server, slug, file)
			})
		}
	})
}

func record(t *testing.T, server *testkit.Server, tenant, file string) {
	base, token := server.Connect(t, tenant, "directory")
	admin := server.Token(t, tenant, desk.RoleAdmin)
	connection := server.URL + "/api/v1/connections/directory"
	if on := testkit.Call(t, "PATCH", connection, admin, map[string]any{"recorder": true}).Want(t, 200); on["recorder"] != true {
		t.Fatalf("recorder is not on: %v", on)
	}
	exchanges := testkit.Exchanges(t, file)
	testkit.Replay(t, base, token, exchanges)
	recording := testkit.Call(t, "GET", connection+"/recording", admin, nil)
	if recording.Status != 200 || recording.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("recording: %d %v", recording.Status, recording.Header)
	}
	path := filepath.Join(t.TempDir(), "recording.jsonl")
	if err := os.WriteFile(path, recording.Body, 0o600); err != nil {
		t.Fatal(err)
	}
	authenticated := 0
	for _, e := range exchanges {
		if e.Headers["Authorization"] != "" {
			authenticated++
		}
	}
	recorded := testkit.Exchanges(t, path)
	if len(recorded) != authenticated {
		t.Errorf("%d of %d exchanges were recorded", len(recorded), authenticated)
	}
	text := strings.ToLower(string(recording.Body))
	for _, e := range exchanges {
		for _, s := range said(e.Body) {
			if strings.Contains(text, strings.ToLower(s)) {
				t.Errorf("the recording tells %q", s)
			}
		}
	}
	if strings.Contains(text, "rcs_") || strings.Contains(text, strings.ToLower(token)) {
		t.Error("the recording holds the token")
	}
	testkit.Call(t, "PATCH", connection, admin, map[string]any{"recorder": false}).Want(t, 200)
	again, againToken := server.Connect(t, tenant+"2", "directory")
	testkit.Replay(t, again, againToken, recorded)
	testkit.Call(t, "DELETE", connection+"/recording", admin, nil).Want(t, 204)
	if left := testkit.Call(t, "GET", connection+"/recording", admin, nil); len(left.Body) > 0 {
		t.Errorf("deleted, yet there is %s", left.Body)
	}
}

// said lists the texts in a body that may be personal: those with a blank, an @ or a digit, or of seven letters or more that are no name
// of the protocol.
func said(v any) []string {
	switch v := v.(type) {
	case string:
		if strings.HasPrefix(strings.ToLower(v), "urn:") || strings.Contains(v, "{{") || strings.Contains(v, "[") || len(v) < 7 ||
			!strings.ContainsAny(v, "@ 0123456789") {
			return nil
		}
		return []string{v}
	case []any:
		var list []string
		for _, e := range v {
			list = append(list, said(e)...)
		}
		return list
	case map[string]any:
		var list []string
		for name, e := range v {
			switch strings.ToLower(name) {
			case "path", "meta", "id", "op":
			default:
				list = append(list, said(e)...)
			}
		}
		return list
	}
	return nil
}

// TestRedactor shows what stands for what.
func TestRedactor(t *testing.T) {
	red := scim.NewRedactor("key")
	_ = json.Number("")
	_ = red
}
