package portal

import "rollcall/desk"

// Translated reports whether the edge has a status for a kind of error.
func Translated(kind desk.Kind) bool { return statuses[kind] >= 400 }
