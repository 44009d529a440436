package scim

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"rollcall/desk"
)

// version is a user's weak entity tag.
func version(u *desk.DirectoryUser) string { return `W/"` + strconv.FormatInt(u.Version, 10) + `"` }

// meta is a user's metadata (RFC 7643 section 3.1).
func meta(u *desk.DirectoryUser, location string) map[string]any {
	return map[string]any{
		"resourceType": "User",
		"created":      u.CreatedAt.UTC().Format(time.RFC3339Nano),
		"lastModified": u.ModifiedAt.UTC().Format(time.RFC3339Nano),
		"location":     location,
		"version":      version(u),
	}
}

// complete returns a user's resource with id and meta.
func complete(u *desk.DirectoryUser, location string) (map[string]any, error) {
	r, err := u.Decode()
	if err != nil {
		return nil, err
	}
	r["id"], r["meta"] = u.ID, meta(u, location)
	return r, nil
}

// appendUser writes a user as JSON. The stored resource is text already; only a projection needs it decoded.
func appendUser(b *bytes.Buffer, u *desk.DirectoryUser, location string, s *userSchema, p projection) error {
	if p.isEmpty() {
		m, err := encode(meta(u, location))
		if err != nil {
			return err
		}
		b.WriteString(`{"id":"` + u.ID + `",`)
		b.WriteString(u.Resource[1 : len(u.Resource)-1])
		b.WriteString(`,"meta":`)
		b.Write(m)
		b.WriteByte('}')
		return nil
	}
	r, err := complete(u, location)
	if err != nil {
		return err
	}
	text, err := encode(p.apply(s, r))
	b.Write(text)
	return err
}

// page is a part of a list.
type page struct {
	users          []desk.DirectoryUser
	total          int
	startIndex     int    // 0 if the list is paged by cursor
	previous, next string // cursors, "" for none
}

// appendList writes a ListResponse (RFC 7644 section 3.4.2, RFC 9865 section 2).
func appendList(b *bytes.Buffer, list page, locations string, s *userSchema, p projection) error {
	b.WriteString(`{"schemas":["` + listURN + `"],"totalResults":` + strconv.Itoa(list.total) + `,"itemsPerPage":` + strconv.Itoa(len(list.users)))
	if list.startIndex > 0 {
		b.WriteString(`,"startIndex":` + strconv.Itoa(list.startIndex))
	}
	if list.previous != "" {
		b.WriteString(`,"previousCursor":"` + list.previous + `"`)
	}
	if list.next != "" {
		b.WriteString(`,"nextCursor":"` + list.next + `"`)
	}
	b.WriteString(`,"Resources":[`)
	for i := range list.users {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := appendUser(b, &list.users[i], locations+list.users[i].ID, s, p); err != nil {
			return err
		}
	}
	b.WriteString(`]}`)
	return nil
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimRight(b.Bytes(), "\n"), err
}
