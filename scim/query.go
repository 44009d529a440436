package scim

import (
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"rollcall/desk"
)

const (
	defaultCount = 100
	maxCount     = 1000
)

// query is what a list request asks for (RFC 7644 section 3.4.2, RFC 9865 section 2).
type query struct {
	asked      bool // whether the URL has one of these parameters
	filter     string
	sortBy     string
	descending bool
	startIndex int // from 1
	count      int // 0 asks for the total alone
	counted    bool
	byCursor   bool
	cursor     string // "" for the first page
	projection projection
}

// parseQuery reads a query string. Parameter names are taken in any case, unknown ones let pass (a tenant URL may carry
// aadOptscim062020). What cannot be decoded is refused: with the filter lost, the answer would be everybody.
func parseQuery(raw string) (query, error) {
	values := map[string]string{}
	asked := false
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err == nil {
			value, err = url.QueryUnescape(value)
		}
		if err != nil || !desk.Storable(value) {
			return query{}, invalidFilter("the query string cannot be decoded")
		}
		name = strings.ToLower(name)
		if _, twice := values[name]; twice && isParameter(name) {
			return query{}, desk.Errorf(desk.InvalidValue, name, "the parameter %s is given twice", name)
		}
		if err := misspelt(name); err != nil {
			return query{}, err
		}
		values[name] = value
		asked = asked || isParameter(name)
	}
	q, err := newQuery(values)
	q.asked = asked
	return q, err
}

func isParameter(name string) bool {
	switch name {
	case "filter", "sortby", "sortorder", "startindex", "count", "cursor", "attributes", "excludedattributes":
		return true
	}
	return false
}

// misspelt refuses a parameter, by its lower-case name, that was meant to be the filter: without one, the answer would be
// everybody.
func misspelt(name string) error {
	for _, part := range []string{"filt", "ilter", "fliter"} {
		if !isParameter(name) && strings.Contains(name, part) {
			return invalidFilter("unknown parameter %s; did you mean filter?", desk.Short(name))
		}
	}
	return nil
}

// newQuery reads parameters by their lower-case names.
func newQuery(values map[string]string) (q query, err error) {
	q.filter = values["filter"]
	if text, ok := values["filter"]; ok && strings.TrimSpace(text) == "" {
		return q, invalidFilter("the filter is empty; leave the parameter out for all users")
	}
	q.sortBy = strings.TrimSpace(values["sortby"])
	switch order := strings.ToLower(strings.TrimSpace(values["sortorder"])); order {
	case "", "ascending":
	case "descending":
		q.descending = true
	default:
		return q, desk.Errorf(desk.InvalidValue, "sortOrder", "sortOrder must be ascending or descending")
	}
	if q.startIndex, err = number(values, "startIndex", 1); err != nil {
		return q, err
	}
	q.startIndex = max(1, q.startIndex)
	_, q.counted = values["count"]
	q.count, err = number(values, "count", defaultCount)
	if q.cursor, q.byCursor = values["cursor"]; q.byCursor {
		if _, both := values["startindex"]; both {
			return q, desk.Errorf(desk.InvalidValue, "cursor", "a list is paged by cursor or by startIndex; leave one of the two out")
		}
		if err != nil || q.count < 0 {
			return q, desk.Errorf(desk.InvalidCount, "count", "count must be an integer that is not negative")
		}
	}
	if err != nil {
		return q, err
	}
	q.count = min(max(0, q.count), maxCount)
	q.projection = projection{split(values["attributes"]), split(values["excludedattributes"])}
	return q, nil
}

// searchQuery reads the body of a SearchRequest (RFC 7644 section 3.4.3).
func searchQuery(body map[string]any) (query, error) {
	values := map[string]string{}
	for name, v := range body {
		name = strings.ToLower(name)
		if err := misspelt(name); err != nil {
			return query{}, err
		}
		if _, twice := values[name]; twice {
			return query{}, desk.Errorf(desk.InvalidSyntax, name, "%s is given twice, in different case", desk.Short(name))
		}
		switch v := v.(type) {
		case string:
			values[name] = v
		case json.Number:
			values[name] = v.String()
		case []any:
			var names []string
			for _, e := range v {
				name, _ := e.(string)
				names = append(names, name)
			}
			values[name] = strings.Join(names, ",")
		case nil:
		default:
			if isParameter(name) {
				return query{}, desk.Errorf(desk.InvalidValue, name, "%s has a value of the wrong type", name)
			}
		}
	}
	return newQuery(values)
}

// number reads an integer of any length.
func number(values map[string]string, name string, otherwise int) (int, error) {
	text, ok := values[strings.ToLower(name)]
	if !ok {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, desk.Errorf(desk.InvalidValue, name, "%s must be an integer", name)
	}
	return int(n), nil
}

// split reads a comma-separated list of attribute names.
func split(list string) []string {
	var names []string
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

func invalidFilter(format string, args ...any) error {
	return desk.Errorf(desk.InvalidFilter, "filter", format, args...)
}
