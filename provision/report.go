package provision

import (
	"context"
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"rollcall/desk"
)

// reportColumns are the columns of a report, and what each says of an event.
var reportColumns = []struct {
	name string
	of   func(EventView) string
}{
	{"time (UTC)", func(v EventView) string { return v.At.UTC().Format("2006-01-02 15:04:05.000") }},
	{"operation", func(v EventView) string { return string(v.Operation) }},
	{"outcome", func(v EventView) string { return string(v.Outcome) }},
	{"reason", func(v EventView) string { return v.Reason }},
	{"detail", func(v EventView) string { return v.Detail }},
	{"person", func(v EventView) string { return v.ContactName }},
	{"subject of refusal", func(v EventView) string { return v.Subject }},
	{"changed fields", func(v EventView) string { return strings.Join(v.ChangedFields(), ", ") }},
	{"by", func(v EventView) string { return string(v.ActorType) + " " + v.ActorName }},
	{"milliseconds", func(v EventView) string { return strconv.FormatFloat(v.Milliseconds(), 'f', 3, 64) }},
	{"contact id", func(v EventView) string { return deref(v.ContactID) }},
	{"SCIM id", func(v EventView) string { return deref(v.UserID) }},
	{"request id", func(v EventView) string { return v.RequestID }},
	{"event id", func(v EventView) string { return v.ID }},
	{"connection", func(v EventView) string { return v.Connection }},
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// reportPart is how many events of a report are held at a time: each may tell of as much as a person may be, twice.
const reportPart = 250

// Report is events for spreadsheets: CSV in UTF-8 with a byte order mark, times in UTC, and an apostrophe before
// what a spreadsheet would take for a formula.
type Report struct {
	Name  string // of its file
	read  func(ctx context.Context, before string) ([]EventView, error)
	first []EventView
}

// EventReport begins a report of all events that a query asks for, whatever its page, or returns NotFound.
func (e *Engine) EventReport(ctx context.Context, actor desk.Actor, slug string, q EventQuery) (*Report, error) {
	q.After, q.Limit = "", reportPart
	return newReport(ctx, slug+"-events", q.From, q.To, func(ctx context.Context, before string) ([]EventView, error) {
		q.Before = before
		return e.ConnectionEvents(ctx, actor, slug, q)
	})
}

// newReport begins a report of the events that read returns, and names its file after the stretch of time.
func newReport(ctx context.Context, name string, from, to time.Time, read func(ctx context.Context, before string) ([]EventView, error)) (*Report, error) {
	r := &Report{Name: name, read: read}
	const timeInName = "20060102T150405Z"
	if !from.IsZero() {
		r.Name += "-from-" + from.UTC().Format(timeInName)
	}
	if !to.IsZero() {
		r.Name += "-to-" + to.UTC().Format(timeInName)
	}
	r.Name += ".csv"
	var err error
	r.first, err = r.read(ctx, "")
	return r, err
}

// Write writes the report, whose events are read a part at a time; next begins a part, and gives it a context. After an error
// the report is not whole.
func (r *Report) Write(w io.Writer, next func() (context.Context, context.CancelFunc)) error {
	io.WriteString(w, "\ufeff") // without this mark Excel takes a file for one in its country's old character set
	file := csv.NewWriter(w)
	file.UseCRLF = true // RFC 4180
	row := make([]string, len(reportColumns))
	for i, column := range reportColumns {
		row[i] = column.name
	}
	file.Write(row)
	events := r.first
	for more := true; more; {
		part, cancel := next()
		for _, v := range events {
			for i, column := range reportColumns {
				row[i] = cell(column.of(v))
			}
			file.Write(row)
		}
		file.Flush()
		err := file.Error()
		if more = err == nil && len(events) == reportPart; more {
			events, err = r.read(part, events[reportPart-1].ID)
		}
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// cell puts an apostrophe before a text that a spreadsheet would take for a formula, which may send the sheet's data
// elsewhere: names and subjects are what a directory sent, or whoever has a token of it.
func cell(s string) string {
	switch start, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " ")); start {
	case '=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠':
		return "'" + s
	}
	return s
}
