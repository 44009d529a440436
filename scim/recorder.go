package scim

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"rollcall/desk"
	"rollcall/internal/httpx"
)

// recorder takes down a request and its answer, for a connection that is being recorded.
type recorder struct {
	redactor
	http.ResponseWriter
	body   io.ReadCloser
	sent   bytes.Buffer // of the request's body
	status int
	answer bytes.Buffer
}

// startRecorder makes the request pass through a recorder.
func (req *request) startRecorder(key string) {
	rec := &recorder{redactor: redactor{key: []byte(key)}, ResponseWriter: req.w, body: req.r.Body}
	recorded := *req.r
	recorded.Body = rec
	req.r, req.w, req.recorder = &recorded, rec, rec
}

// Read is that of the request's body.
func (rec *recorder) Read(b []byte) (int, error) {
	n, err := rec.body.Read(b)
	if rec.sent.Len() <= maxRecorded {
		rec.sent.Write(b[:n])
	}
	return n, err
}

func (rec *recorder) Close() error { return rec.body.Close() }

func (rec *recorder) WriteHeader(status int) {
	rec.status = status
	rec.ResponseWriter.WriteHeader(status)
}

func (rec *recorder) Write(b []byte) (int, error) {
	if rec.answer.Len() <= maxRecorded {
		rec.answer.Write(b)
	}
	return rec.ResponseWriter.Write(b)
}

// maxRecorded is the most that is kept of a body, in bytes. Longer ones are left out.
const maxRecorded = 64 << 10

// exchangeLine is a line of a recording. testdata/README.md describes the format.
type exchangeLine struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	Body    any               `json:"body,omitempty"`
	RawBody *string           `json:"raw_body,omitempty"`
	As      string            `json:"as,omitempty"` // the id of the user that was made
	Expect  struct {
		Status int `json:"status"`
	} `json:"expect"`
	Answer any `json:"answer,omitempty"` // for the reader
}

// keep stores the exchange without what is personal or secret.
func (req *request) keep() {
	rec := req.recorder
	rec.schema = req.users
	line := exchangeLine{Method: rec.method(req.r.Method), Headers: map[string]string{"Authorization": "Bearer {{token}}", "User-Agent": ""}}
	below := strings.TrimPrefix(req.r.URL.EscapedPath(), "/scim/"+req.actor.TenantID+"/"+req.actor.Connection)
	line.Path = rec.path(below) + rec.query(req.r.URL.RawQuery)
	for _, name := range []string{"Accept", "Content-Type", "If-Match", "If-None-Match", "User-Agent"} {
		if value := req.r.Header.Get(name); value != "" {
			line.Headers[name] = rec.header(name, value)
		}
	}
	if body := rec.sent.Bytes(); len(body) > maxRecorded {
		line.Body = "left out: too long"
	} else if len(body) > 0 {
		if line.Body = rec.json(body); line.Body == nil {
			mask := rec.mask(string(body))
			line.RawBody = &mask
		}
	}
	if line.Expect.Status = rec.status; rec.answer.Len() <= maxRecorded {
		line.Answer = rec.json(rec.answer.Bytes())
	}
	if made, ok := line.Answer.(map[string]any); ok && rec.status == http.StatusCreated {
		line.As, _ = made["id"].(string)
	}
	text, err := desk.AppendJSON(nil, line)
	if err == nil {
		err = req.Engine.KeepExchange(req.r.Context(), req.actor, text)
	}
	if err != nil {
		req.Log.Error("record an exchange", "error", err, "request_id", httpx.RequestID(req.r.Context()))
	}
}
