package scim

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/provision"
)

const (
	bulkURN         = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	bulkResponseURN = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
	maxBulk         = 1000 // operations in one request
)

// job is a bulk request under way (RFC 7644 section 3.7).
type job struct {
	*request
	operations []*bulkOperation
	byBulkID   map[string]*bulkOperation
	errors     int
	lost       bool // the transaction that the operations under way share
}

// bulkOperation is one request within it, and what came of it.
type bulkOperation struct {
	method, bulkID, path, version string
	data                          any
	running                       bool
	failed                        bool
	userID                        string         // once that is known
	result                        map[string]any // nil until it is done
}

// bulk handles POST /Bulk. Each operation has its own event and its own outcome.
func (req *request) bulk() error {
	body, err := req.body()
	if err != nil {
		return err
	}
	schemas, _ := member(body, "schemas").([]any)
	if !slices.ContainsFunc(schemas, func(s any) bool { urn, _ := s.(string); return strings.EqualFold(urn, bulkURN) }) {
		return desk.Errorf(desk.InvalidSyntax, "schemas", "a bulk request names its schema, %s", bulkURN)
	}
	list, ok := member(body, "Operations").([]any)
	if !ok {
		return desk.Errorf(desk.InvalidSyntax, "Operations", "a bulk request needs a list of Operations")
	}
	if len(list) > maxBulk {
		return desk.Errorf(desk.TooLarge, "Operations", "a bulk request may hold up to %d operations", maxBulk)
	}
	limit := 0 // how many errors end it, 0 for any number
	if v := member(body, "failOnErrors"); v != nil {
		n, _ := v.(json.Number)
		if limit, err = strconv.Atoi(n.String()); err != nil || limit < 0 {
			return desk.Errorf(desk.InvalidValue, "failOnErrors", "failOnErrors must be an integer that is not negative")
		}
	}
	j := job{request: req, byBulkID: map[string]*bulkOperation{}}
	for _, item := range list {
		o := readBulkOperation(item)
		if j.operations = append(j.operations, o); o.bulkID == "" {
			continue
		}
		if j.byBulkID[o.bulkID] != nil {
			return desk.Errorf(desk.InvalidValue, "bulkId", "two operations have the bulkId %s", desk.Short(o.bulkID))
		}
		j.byBulkID[o.bulkID] = o
	}
	req.Limit.Spend(req.actor.TenantID+"/"+req.actor.Connection, len(list))
	for rest := j.operations; len(rest) > 0 && (limit == 0 || j.errors < limit); {
		n := min(len(rest), together)
		j.some(rest[:n], limit)
		rest = rest[n:]
	}
	results := []any{}
	for _, o := range j.operations {
		if o.result != nil {
			results = append(results, o.result)
		}
	}
	return req.writeDocument(map[string]any{"schemas": []string{bulkResponseURN}, "Operations": results})
}

// together is how many operations share a commit. More would save little, and keep others waiting for the people that they lock.
const together = 25

// some runs operations, up to the one whose error reaches the limit. They share a transaction, in which each has its own outcome. If
// that cannot be committed, none of it was done, and they are done one by one.
func (j *job) some(list []*bulkOperation, limit int) {
	r, before := j.r, *j
	var open []*bulkOperation // not done before, as what others refer to is
	for _, o := range j.operations {
		if o.result == nil {
			open = append(open, o)
		}
	}
	forget := func() {
		j.errors, j.lost = before.errors, false
		for _, o := range open {
			o.running, o.failed, o.result, o.userID = false, false, nil, ""
		}
	}
	all := func() {
		for _, o := range list {
			gone := errors.Is(r.Context().Err(), context.Canceled) // the client, for whom nothing more is done
			if gone || j.lost || limit > 0 && j.errors >= limit {
				return
			}
			j.do(o)
		}
	}
	err := j.Engine.Together(r.Context(), j.actor, func(ctx context.Context) error {
		forget()
		j.r = r.WithContext(ctx)
		if all(); j.lost {
			return provision.ErrLost
		}
		return ctx.Err()
	})
	j.r = r
	if err != nil {
		forget()
		all()
	}
}

// readBulkOperation reads what is there; do says what is missing.
func readBulkOperation(item any) *bulkOperation {
	m, _ := item.(map[string]any)
	text := func(name string) string {
		s, _ := member(m, name).(string)
		return strings.TrimSpace(s)
	}
	return &bulkOperation{
		method: strings.ToUpper(text("method")), bulkID: text("bulkId"), path: text("path"), version: text("version"), data: member(m, "data"),
	}
}

// do runs an operation, after those to which it refers, and notes its result.
func (j *job) do(o *bulkOperation) {
	if o.running || o.result != nil {
		return
	}
	o.running = true
	sub := &request{Handler: j.Handler, r: j.r, actor: j.actor, users: j.users, base: j.base, method: o.method, operation: desk.OpBulk}
	sub.actor.Began = time.Now() // each operation takes its own time
	u, err := j.run(o, sub)
	o.running = false
	if errors.Is(err, provision.ErrLost) {
		j.lost = true
		return
	}
	o.result = map[string]any{"method": o.method}
	if o.bulkID != "" {
		o.result["bulkId"] = o.bulkID
	}
	status := done(o.method)
	switch {
	case err != nil:
		j.errors++
		o.failed = true
		sub.record(err)
		status = httpx.Statuses[desk.KindOf(err)]
		o.result["response"] = scimError(j.r.Context(), desk.AsError(err))
	case o.method != http.MethodDelete:
		o.userID = u.ID
		o.result["version"] = version(&u)
	}
	if o.userID != "" {
		o.result["location"] = j.base + "/Users/" + o.userID
	}
	o.result["status"] = strconv.Itoa(status)
}

// run checks an operation, waits for what it refers to, and applies it.
func (j *job) run(o *bulkOperation, sub *request) (u desk.DirectoryUser, err error) {
	switch o.method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		sub.operation = operations[o.method]
	default:
		return u, desk.Errorf(desk.InvalidSyntax, "method", "the method of an operation must be POST, PUT, PATCH or DELETE")
	}
	if o.method == http.MethodPost && o.bulkID == "" {
		return u, desk.Errorf(desk.InvalidSyntax, "bulkId", "a POST needs a bulkId")
	}
	path, err := j.resolve(o.path)
	if err != nil {
		return u, err
	}
	endpoint, id, _ := strings.Cut(strings.Trim(strings.TrimPrefix(path, j.base), "/"), "/")
	switch endpoint = strings.ToLower(endpoint); {
	case endpoint == "groups":
		return u, noGroups(sub)
	case endpoint != "users" || strings.Contains(id, "/") || (id == "") != (o.method == http.MethodPost):
		return u, desk.Errorf(desk.InvalidPath, "path", "the path of a POST is /Users, of others /Users/ and the user's id")
	}
	sub.id, o.userID = id, id
	if o.version != "" {
		sub.match = tags([]string{o.version})
	}
	data, err := j.resolveAll(o.data)
	if err != nil {
		return u, err
	}
	if list, ok := data.([]any); ok && o.method == http.MethodPatch {
		data = map[string]any{"Operations": list} // as an example of RFC 7644 section 3.7 has it
	}
	body, ok := data.(map[string]any)
	if !ok && o.method != http.MethodDelete {
		return u, desk.Errorf(desk.InvalidSyntax, "data", "the operation needs an object as its data")
	}
	return sub.apply(body)
}

const bulkIDPrefix = "bulkId:"

// resolve puts the id of the user that an operation has made in the place of a reference to that operation, which is all of
// a text or what follows its last slash.
func (j *job) resolve(text string) (string, error) {
	start := strings.LastIndexByte(text, '/') + 1
	if len(text)-start <= len(bulkIDPrefix) || !strings.EqualFold(text[start:start+len(bulkIDPrefix)], bulkIDPrefix) {
		return text, nil
	}
	name := text[start+len(bulkIDPrefix):]
	other := j.byBulkID[name]
	if other == nil || other.method != http.MethodPost {
		return "", desk.Errorf(desk.InvalidValue, "bulkId", "no POST of this request has the bulkId %s", desk.Short(name))
	}
	if other.running {
		return "", desk.Errorf(desk.Conflict, "bulkId", "the operation refers in a circle to the bulkId %s; refer to one of them in a PATCH of its own", desk.Short(name))
	}
	if j.do(other); j.lost {
		return "", provision.ErrLost
	} else if other.failed {
		return "", desk.Errorf(desk.Conflict, "bulkId", "the operation with the bulkId %s failed, to which this one refers", desk.Short(name))
	}
	return text[:start] + other.userID, nil
}

// resolveAll does so throughout a copy of an operation's data, which may be resolved anew.
func (j *job) resolveAll(v any) (_ any, err error) {
	switch v := v.(type) {
	case string:
		return j.resolve(v)
	case []any:
		v = slices.Clone(v)
		for i := range v {
			if v[i], err = j.resolveAll(v[i]); err != nil {
				return nil, err
			}
		}
		return v, nil
	case map[string]any:
		v = maps.Clone(v)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if v[name], err = j.resolveAll(v[name]); err != nil {
				return nil, err
			}
		}
		return v, nil
	}
	return v, nil
}
