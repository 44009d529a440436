// Package testkit gives tests the real thing: empty SQLite and PostgreSQL databases, a whole server over one of them with a
// settable clock, and the reader of recorded exchanges.
//
// [Databases] runs a test once per engine. PostgreSQL is the server at TEST_POSTGRES_URL, else a throw-away cluster that is
// started from the postgres binaries found on the machine, never as root. Where neither can be had the PostgreSQL half is
// skipped, or fails if REQUIRE_POSTGRES is set. A package that uses it ends its cluster in TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }
package testkit
