package api

import (
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humamux"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/provision"
)

// csvColumns are the columns of a report, and what each says of an event.
var csvColumns = []struct {
	name string
	of   func(provision.EventView) string
}{
	{"time (UTC)", func(v provision.EventView) string { return v.At.UTC().Format("2006-01-02 15:04:05.000") }},
	{"operation", func(v provision.EventView) string { return string(v.Operation) }},
	{"outcome", func(v provision.EventView) string { return string(v.Outcome) }},
	{"reason", func(v provision.EventView) string { return v.Reason }},
	{"detail", func(v provision.EventView) string { return v.Detail }},
	{"person", func(v provision.EventView) string { return v.ContactName }},
	{"subject of refusal", func(v provision.EventView) string { return v.Subject }},
	{"changed fields", changedFields},
	{"by", func(v provision.EventView) string { return string(v.ActorType) + " " + v.ActorName }},
	{"milliseconds", func(v provision.EventView) string { return strconv.FormatFloat(milliseconds(v.Event), 'f', 3, 64) }},
	{"contact id", func(v provision.EventView) string { return deref(v.ContactID) }},
	{"SCIM id", func(v provision.EventView) string { return deref(v.UserID) }},
	{"request id", func(v provision.EventView) string { return v.RequestID }},
	{"event id", func(v provision.EventView) string { return v.ID }},
}

func changedFields(v provision.EventView) string {
	var names []string
	for _, c := range v.Changes {
		names = append(names, c.Field)
	}
	return strings.Join(names, ", ")
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// csvPage is how many events of a report are held at a time.
const csvPage = 1000

// exportEvents streams a connection's events. What is wrong with the request is said before the file begins; what goes wrong
// later breaks the connection off, so that half a file does not look like a whole one.
func (h *Handler) exportEvents(ctx context.Context, actor desk.Actor, slug string, filter EventFilter) (*huma.StreamResponse, error) {
	events, err := h.Engine.ConnectionEvents(ctx, actor, slug, filter.query("", csvPage))
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		_, w := humamux.Unwrap(c)
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="`+csvName(slug, filter)+`"`)
		file := newCSV(w)
		for more := true; more; {
			part, cancel := httpx.NextPart(ctx, w)
			err := file.add(events)
			if more = err == nil && len(events) == csvPage; more {
				if events, err = h.Engine.ConnectionEvents(part, actor, slug, filter.query(events[csvPage-1].ID, csvPage)); err != nil {
					h.report(ctx, err)
				}
			}
			cancel()
			if err != nil {
				panic(http.ErrAbortHandler)
			}
		}
	}}, nil
}

// csvName is the name of a report's file.
func csvName(slug string, filter EventFilter) string {
	name := slug + "-events"
	if !filter.From.IsZero() {
		name += "-from-" + filter.From.UTC().Format(csvNameTime)
	}
	if !filter.To.IsZero() {
		name += "-to-" + filter.To.UTC().Format(csvNameTime)
	}
	return name + ".csv"
}

const csvNameTime = "20060102T150405Z"

// csvFile writes a report.
type csvFile struct{ *csv.Writer }

// newCSV begins a report.
func newCSV(w io.Writer) csvFile {
	io.WriteString(w, "\ufeff") // without this mark Excel takes a file for one in its country's old character set
	file := csvFile{csv.NewWriter(w)}
	file.UseCRLF = true // RFC 4180
	row := make([]string, len(csvColumns))
	for i, column := range csvColumns {
		row[i] = column.name
	}
	file.Write(row)
	return file
}

// add writes events.
func (file csvFile) add(events []provision.EventView) error {
	row := make([]string, len(csvColumns))
	for _, v := range events {
		for i, column := range csvColumns {
			row[i] = csvCell(column.of(v))
		}
		file.Write(row)
	}
	file.Flush()
	return file.Error()
}

// csvCell puts an apostrophe before a text that a spreadsheet would take for a formula, which may send the sheet's data
// elsewhere: names and subjects are what a directory sent, or whoever has a token of it.
func csvCell(s string) string {
	switch start, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " ")); start {
	case '=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠':
		return "'" + s
	}
	return s
}
