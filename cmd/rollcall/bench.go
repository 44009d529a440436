package main

import (
	"fmt"
	"time"

	"rollcall/internal/sample"
	"rollcall/provision"
)

type benchFillCmd struct {
	Contacts int    `help:"How many contacts in all." default:"1000000" placeholder:"N"`
	Tenants  int    `help:"Among how many helpdesks. The largest, main, has two fifths of all contacts." default:"50" placeholder:"N"`
	Seed     uint64 `help:"The same seed gives the same people." default:"1" placeholder:"N"`
}

// Run fills a database without tenants, all or nothing.
func (c *benchFillCmd) Run(p *program) error {
	if c.Contacts < 1 || c.Tenants < 1 {
		return fmt.Errorf("%d contacts among %d helpdesks: give one at least of each", c.Contacts, c.Tenants)
	}
	return p.withEngine(func(e *provision.Engine) error {
		start := time.Now()
		err := e.Fill(p.ctx, sample.Helpdesks(sample.Options{Contacts: c.Contacts, Tenants: c.Tenants, Seed: c.Seed, Until: start}))
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%d contacts in %d helpdesks, %s; make a token with: rollcall token create --tenant %s --connection %s\n",
			c.Contacts, c.Tenants, time.Since(start).Round(time.Second), sample.Largest, sample.Connection)
		return nil
	})
}
