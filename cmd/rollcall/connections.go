package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"rollcall/auth"
	"rollcall/provision"
	"rollcall/scim"
	"rollcall/store"
)

// connectionArg names a connection on the command line.
type connectionArg struct {
	Slug   string `arg:"" help:"The connection's slug."`
	Tenant string `required:"" help:"The tenant's slug." placeholder:"T"`
}

type connectionListCmd struct {
	Tenant string `required:"" help:"The tenant's slug." placeholder:"T"`
}

// Run prints a line for each connection: slug, provider, health, when its directory was last heard of, and who paused it.
func (c *connectionListCmd) Run(p *program) error {
	return p.withEngine(func(e *provision.Engine) error {
		if err := e.KnowsTenant(p.ctx, c.Tenant); err != nil {
			return err
		}
		list, err := e.Health(p.ctx, provision.System(c.Tenant))
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		for _, h := range list {
			last := "never"
			if h.LastActivity != nil {
				last = h.LastActivity.UTC().Format(time.RFC3339)
			}
			paused := "-"
			if h.PausedAt != nil {
				paused = "paused by " + h.PausedBy
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", h.Slug, h.Provider, h.Health, last, paused)
		}
		return w.Flush()
	})
}

type connectionPauseCmd struct{ connectionArg }

func (c *connectionPauseCmd) Run(p *program) error { return c.pause(p, true) }

type connectionResumeCmd struct{ connectionArg }

func (c *connectionResumeCmd) Run(p *program) error { return c.pause(p, false) }

func (c *connectionArg) pause(p *program, paused bool) error {
	return p.withEngine(func(e *provision.Engine) error {
		_, err := e.EditConnection(p.ctx, provision.System(c.Tenant), c.Slug, provision.ConnectionEdit{Paused: &paused})
		return err
	})
}

type connectionSettingsCmd struct {
	connectionArg
	Import string `help:"A file with the settings that change, in JSON; - for standard input." placeholder:"FILE"`
}

// Run prints a connection's settings, which --import takes; or changes them, and prints what they are then.
func (c *connectionSettingsCmd) Run(p *program) error {
	return p.withEngine(func(e *provision.Engine) error {
		connection, err := e.Connection(p.ctx, provision.System(c.Tenant), c.Slug)
		if err != nil {
			return err
		}
		if c.Import != "" {
			settings, err := readFile(c.Import)
			if err != nil {
				return err
			}
			if connection, err = e.EditConnection(p.ctx, provision.System(c.Tenant), c.Slug, provision.ConnectionEdit{Settings: settings}); err != nil {
				return err
			}
		}
		return printJSON(p.stdout, connection.Settings)
	})
}

type connectionPreviewCmd struct {
	connectionArg
	File string `arg:"" help:"A file with a SCIM user, as the directory would send it; - for standard input."`
}

// Run prints what would become of a user. Nothing is written.
func (c *connectionPreviewCmd) Run(p *program) error {
	return p.withEngine(func(e *provision.Engine) error {
		actor := provision.System(c.Tenant)
		fields, err := e.Fields(p.ctx, actor)
		if err != nil {
			return err
		}
		body, err := readFile(c.File)
		if err != nil {
			return err
		}
		user, err := scim.ReadUser(fields, body)
		if err != nil {
			return err
		}
		preview, err := e.PreviewUser(p.ctx, actor, c.Slug, user, nil)
		if err != nil {
			return err
		}
		return printPreview(p.stdout, preview)
	})
}

func printPreview(out io.Writer, p provision.Preview) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := func(what string, values ...any) { fmt.Fprintf(w, "%s\t%s", what, fmt.Sprintln(values...)) }
	switch {
	case p.Refused != nil:
		line("refused", p.Refused.Msg)
	case p.Outcome == "":
		line(string(p.Operation), "changes nothing")
	default:
		line(string(p.Operation), p.Outcome, p.Reason)
	}
	if p.Detail != "" {
		line("detail", p.Detail)
	}
	if !p.InScope {
		line("scope", "out: "+p.ScopeRule)
	}
	if c := p.Contact; c != nil && !p.New {
		line("contact", c.ID, c.DisplayName)
	}
	if c := p.Contact; c != nil {
		line("company", p.CompanyName, string(c.CompanyReason))
	}
	for _, m := range p.Mapped {
		line("maps "+m.Source, m.Target, m.Value, m.Problem)
	}
	for _, c := range p.Changes {
		line("changes "+c.Field, c.From, "→", c.To)
	}
	for _, u := range p.Unmapped {
		line("unmapped", u)
	}
	return w.Flush()
}

type tokenListCmd struct {
	Tenant     string `required:"" help:"The tenant's slug." placeholder:"T"`
	Connection string `required:"" help:"The connection whose SCIM tokens are listed." placeholder:"C"`
}

// Run prints a line for each token: id, expiry, last use with its address, label.
func (c *tokenListCmd) Run(p *program) error {
	return p.withStore(func(st *store.Store) error {
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		for after := ""; ; {
			list, err := (&auth.Authenticator{Store: st}).Tokens(p.ctx, provision.System(c.Tenant), c.Connection, after, 100)
			if err != nil {
				return err
			}
			for _, t := range list {
				expires, used := "never expires", "never used"
				if t.ExpiresAt != nil {
					expires = "expires " + t.ExpiresAt.UTC().Format(time.RFC3339)
				}
				if t.LastUsedAt != nil {
					used = "used " + t.LastUsedAt.UTC().Format(time.RFC3339) + " from " + t.LastUsedAddress
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.ID, expires, used, t.Label)
				after = t.ID
			}
			if len(list) < 100 {
				return w.Flush()
			}
		}
	})
}

type tokenRevokeCmd struct {
	ID         string `arg:"" help:"The token's id, as token list prints it."`
	Tenant     string `required:"" help:"The tenant's slug." placeholder:"T"`
	Connection string `required:"" help:"The token's connection." placeholder:"C"`
}

func (c *tokenRevokeCmd) Run(p *program) error {
	return p.withStore(func(st *store.Store) error {
		return (&auth.Authenticator{Store: st}).DeleteToken(p.ctx, provision.System(c.Tenant), c.Connection, c.ID)
	})
}

// readFile reads a file, or standard input for "-".
func readFile(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(os.Stdin)
	}
	text, err := os.ReadFile(name) // #nosec G304 -- the operator names it
	var path *os.PathError
	if errors.As(err, &path) {
		return nil, fmt.Errorf("%s: %w", name, path.Err)
	}
	return text, err
}

func printJSON(w io.Writer, v any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(v)
}
