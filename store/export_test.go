package store

import "testing"

// Pragmas returns the settings of the connection that writes.
func Pragmas(t *testing.T, s *Store) map[string]string {
	t.Helper()
	values := map[string]string{}
	for _, name := range []string{"journal_mode", "synchronous", "foreign_keys", "busy_timeout"} {
		var value string
		if err := s.write.Raw("PRAGMA " + name).Scan(&value).Error; err != nil {
			t.Fatal(err)
		}
		values[name] = value
	}
	return values
}
