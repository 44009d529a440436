package scim

import (
	"strconv"
	"strings"

	"rollcall/desk"
)

// conditions are the preconditions of a request (RFC 7644 section 3.14, RFC 9110 section 13.1): entity tags, nil for none.
type conditions struct{ match, noneMatch []string }

// tags reads the entity tags of a header's lines, as weak ones: whether a tag is marked so, or quoted at all, tells nothing
// here. "*" stands for any.
func tags(lines []string) []string {
	var list []string
	for tag := range strings.SplitSeq(strings.Join(lines, ","), ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			list = append(list, strings.Trim(strings.TrimPrefix(tag, "W/"), `"`))
		}
	}
	return list
}

// readConditions reads them from the header.
func (req *request) readConditions() conditions {
	return conditions{tags(req.r.Header.Values("If-Match")), tags(req.r.Header.Values("If-None-Match"))}
}

// fits reports whether a user's version is one of the tags.
func fits(list []string, u *desk.DirectoryUser) bool {
	own := strconv.FormatInt(u.Version, 10)
	for _, tag := range list {
		if tag == "*" || tag == own {
			return true
		}
	}
	return false
}

// check is the engine's question before a change.
func (c conditions) check(u *desk.DirectoryUser) error {
	if len(c.match) > 0 && !fits(c.match, u) || len(c.noneMatch) > 0 && fits(c.noneMatch, u) {
		return desk.Errorf(desk.VersionMismatch, "", "the user has changed and is at version %s; read it again", version(u))
	}
	return nil
}
