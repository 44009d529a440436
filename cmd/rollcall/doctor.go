package main

import (
	"errors"
	"fmt"
	"strings"

	"rollcall/desk"
	"rollcall/provision"
	"rollcall/store"
)

type doctorCmd struct{}

// Run prints how the installation does: the database and its schema, then a line for each connection. Something failing is an
// error.
func (c *doctorCmd) Run(p *program) error {
	steps, err := store.Migrations(p.ctx, p.database)
	if err != nil {
		return err
	}
	pending := 0
	for _, s := range steps {
		if s.Applied.IsZero() {
			pending++
		}
	}
	if pending > 0 {
		fmt.Fprintf(p.stdout, "database: %d steps of the schema are pending; serve applies them\n", pending)
		return errors.New("the schema is not up to date")
	}
	fmt.Fprintf(p.stdout, "database: ok, schema %s\n", strings.TrimSuffix(steps[len(steps)-1].Name, ".sql"))
	return p.withEngine(func(e *provision.Engine) error {
		list, err := e.AllHealth(p.ctx)
		if err != nil {
			return err
		}
		failing := 0
		for _, h := range list {
			line := h.TenantID + "/" + h.Slug + ": " + string(h.Health)
			for _, r := range h.Reasons {
				line += "; " + r.Message
			}
			fmt.Fprintln(p.stdout, line)
			if h.Health == desk.HealthFailing {
				failing++
			}
		}
		if failing > 0 {
			return fmt.Errorf("%d of %d connections are failing", failing, len(list))
		}
		return nil
	})
}
