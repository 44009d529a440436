// Rollcall keeps a helpdesk's contacts in step with its directories.
//
//	rollcall serve                    the server
//	rollcall tenant|connection|agent|token|client|company create …
//	rollcall migrate status
//
// Commands work beside a running server. README.md has the configuration table.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/store"
)

const (
	version         = "0.1.0"
	defaultDatabase = "sqlite:rollcall.db"
)

// cli is the command line: commands, flags, their environment names and defaults.
type cli struct {
	Database string `help:"Database: sqlite:PATH or postgres://USER:PASSWORD@HOST/NAME." default:"${database}" env:"ROLLCALL_DATABASE" placeholder:"URL"`

	Serve  serveCmd `cmd:"" help:"Run the server."`
	Tenant struct {
		Create tenantCreateCmd `cmd:"" help:"Add a helpdesk."`
	} `cmd:"" help:"Helpdesks in this installation."`
	Connection struct {
		Create   connectionCreateCmd   `cmd:"" help:"Add a directory that pushes people to a tenant."`
		List     connectionListCmd     `cmd:"" help:"List a tenant's connections: provider, health, last activity, who paused it."`
		Pause    connectionPauseCmd    `cmd:"" help:"Refuse a directory's requests until the connection is resumed."`
		Resume   connectionResumeCmd   `cmd:"" help:"Let a paused connection go on."`
		Settings connectionSettingsCmd `cmd:"" help:"Print a connection's settings as JSON, or import them."`
		Preview  connectionPreviewCmd  `cmd:"" help:"Say what would become of a SCIM user. Nothing is written."`
	} `cmd:"" help:"Directories."`
	Token struct {
		Create tokenCreateCmd `cmd:"" help:"Make a bearer token and print it, alone. It cannot be shown again."`
		List   tokenListCmd   `cmd:"" help:"List a connection's SCIM tokens with expiry and last use."`
		Revoke tokenRevokeCmd `cmd:"" help:"End a connection's SCIM token."`
	} `cmd:"" help:"Bearer tokens."`
	Agent struct {
		Create  agentCreateCmd  `cmd:"" help:"Add a person who works in the portal, and print a link, alone, by which they set a password. It is good once, for three days."`
		List    agentListCmd    `cmd:"" help:"List a tenant's agents: email address, role, state, last sign-in, name."`
		Link    agentLinkCmd    `cmd:"" help:"Print a new link, for an agent who has forgotten the password."`
		Disable agentDisableCmd `cmd:"" help:"Keep an agent from signing in, and end their sessions."`
		Enable  agentEnableCmd  `cmd:"" help:"Let a disabled agent sign in again."`
		Delete  agentDeleteCmd  `cmd:"" help:"Remove an agent. What they did stays in the log."`
	} `cmd:"" help:"People who work in the portal."`
	Client struct {
		Create clientCreateCmd `cmd:"" help:"Make an OAuth client and print its id and secret, which cannot be shown again, and its endpoints."`
	} `cmd:"" help:"OAuth clients, for directories that fetch their tokens themselves."`
	Company struct {
		Create companyCreateCmd `cmd:"" help:"Add a company with its email domains, and print its id."`
		Rescan companyRescanCmd `cmd:"" help:"Map all contacts to companies anew, but for those whose company was set by hand."`
	} `cmd:"" help:"Companies."`
	Bench struct {
		Fill benchFillCmd `cmd:"" help:"Fill a database that has no tenants with people who are made up, to measure with."`
	} `cmd:"" help:"What measuring needs."`
	Backup  backupCmd  `cmd:"" help:"Copy a SQLite database into a file, beside running servers."`
	Restore restoreCmd `cmd:"" help:"Make a SQLite database of such a copy, where there is none."`
	Doctor  doctorCmd  `cmd:"" help:"Check the database, certificates, background jobs, credentials and connections, and say what to do. Exits with 1 if something is failing."`
	Migrate struct {
		Status migrateStatusCmd `cmd:"" help:"Show which steps of the database schema are applied."`
	} `cmd:"" help:"The database schema, which serve brings up to date by itself."`

	Version kong.VersionFlag `help:"Print the version."`
}

// program is what commands act on.
type program struct {
	ctx            context.Context
	database       string
	stdout, stderr io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run runs one command and returns the exit code: 0, 1 for a failure, 2 for a command line that does not parse.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	exit := -1
	parser, err := kong.New(&c, kong.Name("rollcall"), kong.Description("Keeps a helpdesk's contacts in step with its directories."),
		kong.Vars{"version": version, "database": defaultDatabase, "keep": defaultKeep, "rate": defaultRate, "inFlight": defaultInFlight, "connections": defaultConnections, "providers": strings.Join(desk.Providers, ",")},
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { exit = code }), kong.UsageOnError())
	if err != nil {
		panic(err) // the declarations above
	}
	command, err := parser.Parse(args)
	if exit >= 0 { // --help or --version
		return exit
	}
	if err != nil {
		fmt.Fprintf(stderr, "rollcall: %v\n", err)
		return 2
	}
	if err := command.Run(&program{ctx: ctx, database: cmp.Or(c.Database, defaultDatabase), stdout: stdout, stderr: stderr}); err != nil {
		fmt.Fprintf(stderr, "rollcall: %s\n", message(err))
		return 1
	}
	return 0
}

// message says in one line what went wrong.
func message(err error) string {
	var e *desk.Error
	if errors.As(err, &e) {
		return e.Msg
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// open opens the database.
func (p *program) open() (*store.Store, error) {
	return store.Open(p.ctx, p.database)
}

// days is a duration that may be given in days: 365d, 12h.
type days time.Duration

// UnmarshalText reads a positive duration.
func (d *days) UnmarshalText(text []byte) error {
	s := string(text)
	if n, ok := strings.CutSuffix(s, "d"); ok {
		if count, err := strconv.Atoi(n); err == nil && count > 0 && count <= 36500 {
			*d = days(time.Duration(count) * 24 * time.Hour)
			return nil
		}
	} else if duration, err := time.ParseDuration(s); err == nil && duration > 0 {
		*d = days(duration)
		return nil
	}
	return fmt.Errorf("%q is no duration; give for example 365d or 12h", s)
}

// keep is such a duration of a day or more, or 0 for ever.
type keep time.Duration

const defaultKeep = "365d"

// UnmarshalText reads a duration, or 0. A variable that is set to nothing is one that is not set.
func (k *keep) UnmarshalText(text []byte) error {
	if string(text) == "0" {
		*k = 0
		return nil
	}
	err := (*days)(k).UnmarshalText([]byte(cmp.Or(string(text), defaultKeep)))
	if err == nil && time.Duration(*k) < 24*time.Hour {
		return fmt.Errorf("%q is too short; give 1d at least, or 0 to keep all", text) // the guard looks at the log of an hour
	}
	return err
}

// rate is how many requests a second somebody may send, 0 for any number.
type rate int

// defaultRate is ten times what Entra asks of an endpoint.
const defaultRate = "250"

// UnmarshalText reads a number. A variable that is set to nothing is one that is not set.
func (r *rate) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(cmp.Or(string(text), defaultRate), 10, 30)
	if err != nil {
		return fmt.Errorf("%q is no number of requests a second; give 0 for any number", text)
	}
	*r = rate(n)
	return nil
}

// limiter bounds each of many to the rate, of which they may have four seconds' worth at once.
func (r rate) limiter() *httpx.Limiter {
	if r == 0 {
		return nil
	}
	return httpx.NewLimiter(float64(r), int(4*r))
}

// inFlight is how many requests of one tenant are worked on at once, 0 for any number.
type inFlight int

const defaultInFlight = "16"

// UnmarshalText reads a number. A variable that is set to nothing is one that is not set.
func (f *inFlight) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(cmp.Or(string(text), defaultInFlight), 10, 16)
	if err != nil {
		return fmt.Errorf("%q is no number of requests; give 0 for any number", text)
	}
	*f = inFlight(n)
	return nil
}

// bound is that for the requests of a server. It leaves others some of the connections to PostgreSQL; SQLite's are held for no longer than
// a question takes.
func (f inFlight) bound(st *store.Store) *httpx.InFlight {
	most := int(f)
	if pool, ok := st.Pools()["postgres"]; ok {
		most = min(most, max(1, pool.MaxOpenConnections*3/4))
	}
	return httpx.NewInFlight(most)
}

// connections is how many may be open at once.
type connections int

const defaultConnections = "10000"

// UnmarshalText reads a positive number. A variable that is set to nothing is one that is not set.
func (c *connections) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(cmp.Or(string(text), defaultConnections), 10, 30)
	if err != nil || n == 0 {
		return fmt.Errorf("%q is no number of connections", text)
	}
	*c = connections(n)
	return nil
}
