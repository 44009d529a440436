package scim

import (
	"bytes"
	"strconv"
	"time"

	"rollcall/desk"
)

// version is a user's weak entity tag.
func version(u *desk.DirectoryUser) string { return `W/"` + strconv.FormatInt(u.Version, 10) + `"` }

// appendComplete appends a user's resource as JSON, with id and meta (RFC 7643 section 3.1). The stored resource is text already.
func appendComplete(b []byte, u *desk.DirectoryUser, location string) ([]byte, error) {
	b = append(b, `{"id":"`...)
	b = append(b, u.ID...)
	b = append(b, `",`...)
	b = append(b, u.Resource[1:len(u.Resource)-1]...)
	b = append(b, `,"meta":{"created":"`...)
	b = u.CreatedAt.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","lastModified":"`...)
	b = u.ModifiedAt.UTC().AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","location":`...)
	b, err := desk.AppendJSON(b, location)
	b = append(b, `,"resourceType":"User","version":"W/\"`...)
	b = strconv.AppendInt(b, u.Version, 10)
	return append(b, `\""}}`...), err
}

// besides is about how long that is but for the resource.
const besides = 400

// complete returns a user's resource with id and meta.
func complete(u *desk.DirectoryUser, location string) (map[string]any, error) {
	text, err := appendComplete(make([]byte, 0, len(u.Resource)+besides), u, location)
	if err != nil {
		return nil, err
	}
	v, _, _, err := desk.ParseJSON(string(text))
	r, _ := v.(map[string]any)
	return r, err
}

// appendUser writes a user as JSON. Only a projection needs the resource decoded.
func appendUser(b *bytes.Buffer, u *desk.DirectoryUser, location string, s *userSchema, p projection) error {
	if p.isEmpty() {
		b.Grow(len(u.Resource) + besides)
		text, err := appendComplete(b.AvailableBuffer(), u, location)
		b.Write(text)
		return err
	}
	r, err := complete(u, location)
	if err != nil {
		return err
	}
	text, err := desk.AppendJSON(nil, p.apply(s, r))
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
