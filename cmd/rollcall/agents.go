package main

import (
	"cmp"
	"fmt"
	"text/tabwriter"
	"time"

	"rollcall/auth"
	"rollcall/desk"
	"rollcall/provision"
	"rollcall/store"
)

type agentCreateCmd struct {
	Email  string    `arg:"" help:"The agent's email address, with which they sign in."`
	Tenant string    `required:"" help:"The tenant's slug." placeholder:"T"`
	Name   string    `help:"What people call the agent; the beginning of the address if left out."`
	Role   desk.Role `help:"What the agent may do: agent or admin." default:"agent" placeholder:"R"`

	PublicURL string `help:"Where agents reach the server." env:"ROLLCALL_PUBLIC_URL" default:"http://localhost:8080" placeholder:"URL"`
}

func (c *agentCreateCmd) Run(p *program) error {
	base, err := publicURL(cmp.Or(c.PublicURL, "http://localhost:8080"))
	if err != nil {
		return err
	}
	return p.withStore(func(st *store.Store) error {
		link, err := (&auth.Authenticator{Store: st}).Invite(p.ctx, provision.System(c.Tenant), &desk.Agent{Name: c.Name, Email: c.Email, Role: c.Role})
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s/signin/%s\n", base, link)
		return nil
	})
}

type agentListCmd struct {
	Tenant string `required:"" help:"The tenant's slug." placeholder:"T"`
}

// Run prints a line for each agent.
func (c *agentListCmd) Run(p *program) error {
	return p.withStore(func(st *store.Store) error {
		if err := (&provision.Engine{Store: st}).KnowsTenant(p.ctx, c.Tenant); err != nil {
			return err
		}
		w := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
		for after := ""; ; {
			list, err := (&auth.Authenticator{Store: st}).Agents(p.ctx, provision.System(c.Tenant), after, 100)
			if err != nil {
				return err
			}
			for _, g := range list {
				state, last := "enabled", "never"
				switch {
				case g.DisabledAt != nil:
					state = "disabled"
				case g.Invited():
					state = "invited"
				}
				if g.LastSignInAt != nil {
					last = g.LastSignInAt.UTC().Format(time.RFC3339)
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", g.Email, g.Role, state, last, g.Name)
				after = g.EmailKey
			}
			if len(list) < 100 {
				return w.Flush()
			}
		}
	})
}

// agentArg names an agent on the command line.
type agentArg struct {
	Email  string `arg:"" help:"The agent's email address."`
	Tenant string `required:"" help:"The tenant's slug." placeholder:"T"`
}

// act does something to the agent.
func (c *agentArg) act(p *program, f func(a *auth.Authenticator, actor desk.Actor, id string) error) error {
	return p.withStore(func(st *store.Store) error {
		a, actor := &auth.Authenticator{Store: st}, provision.System(c.Tenant)
		g, err := a.AgentByEmail(p.ctx, actor, c.Email)
		if err != nil {
			return err
		}
		return f(a, actor, g.ID)
	})
}

type agentLinkCmd struct {
	agentArg

	PublicURL string `help:"Where agents reach the server." env:"ROLLCALL_PUBLIC_URL" default:"http://localhost:8080" placeholder:"URL"`
}

func (c *agentLinkCmd) Run(p *program) error {
	base, err := publicURL(cmp.Or(c.PublicURL, "http://localhost:8080"))
	if err != nil {
		return err
	}
	return c.act(p, func(a *auth.Authenticator, actor desk.Actor, id string) error {
		link, err := a.NewLink(p.ctx, actor, id)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s/signin/%s\n", base, link)
		return nil
	})
}

type agentDisableCmd struct{ agentArg }

func (c *agentDisableCmd) Run(p *program) error { return c.disable(p, true) }

type agentEnableCmd struct{ agentArg }

func (c *agentEnableCmd) Run(p *program) error { return c.disable(p, false) }

func (c *agentArg) disable(p *program, disabled bool) error {
	return c.act(p, func(a *auth.Authenticator, actor desk.Actor, id string) error {
		_, err := a.EditAgent(p.ctx, actor, id, desk.AgentEdit{Disabled: &disabled})
		return err
	})
}

type agentDeleteCmd struct{ agentArg }

func (c *agentDeleteCmd) Run(p *program) error {
	return c.act(p, func(a *auth.Authenticator, actor desk.Actor, id string) error { return a.DeleteAgent(p.ctx, actor, id) })
}
