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

// appendUser writes a user as JSON. The stored resource is text already; only a projection needs it decoded.
func appendUser(b *bytes.Buffer, u *desk.DirectoryUser, location string, p projection) error {
	meta := meta(u, location)
	if p.isEmpty() {
		m, err := encode(meta)
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
	r, err := u.Decode()
	if err != nil {
		return err
	}
	r["id"], r["meta"] = u.ID, meta
	text, err := encode(p.apply(users, r))
	b.Write(text)
	return err
}

// appendList writes a ListResponse (RFC 7644 section 3.4.2).
func appendList(b *bytes.Buffer, list []desk.DirectoryUser, total, startIndex int, base string, p projection) error {
	b.WriteString(`{"schemas":["` + listURN + `"],"totalResults":` + strconv.Itoa(total) + `,"startIndex":` + strconv.Itoa(startIndex) +
		`,"itemsPerPage":` + strconv.Itoa(len(list)) + `,"Resources":[`)
	for i := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := appendUser(b, &list[i], base+"/Users/"+list[i].ID, p); err != nil {
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
