package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"rollcall/auth"
	"rollcall/desk"
	"rollcall/provision"
	"rollcall/store"
)

type tenantCreateCmd struct {
	Slug string `arg:"" help:"Names the tenant in URLs: lower-case letters, digits and hyphens."`
	Name string `help:"What people call it; the slug if left out."`
}

func (c *tenantCreateCmd) Run(p *program) error {
	return p.withEngine(func(e *provision.Engine) error {
		if err := e.CreateTenant(p.ctx, c.Slug, c.Name); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "tenant %s created\n", c.Slug)
		return nil
	})
}

type connectionCreateCmd struct {
	Slug     string `arg:"" help:"Names the connection in its tenant URL."`
	Tenant   string `required:"" help:"The tenant's slug." placeholder:"T"`
	Provider string `required:"" enum:"${providers}" help:"The directory: ${enum}."`
	Name     string `help:"What people call it; the slug if left out."`

	PublicURL string `help:"Where directories reach the server." env:"ROLLCALL_PUBLIC_URL" default:"http://localhost:8080" placeholder:"URL"`
}

func (c *connectionCreateCmd) Run(p *program) error {
	base, err := publicURL(cmp.Or(c.PublicURL, "http://localhost:8080"))
	if err != nil {
		return err
	}
	return p.withEngine(func(e *provision.Engine) error {
		if err := e.CreateConnection(p.ctx, provision.System(c.Tenant), &desk.Connection{Slug: c.Slug, Name: c.Name, Provider: c.Provider}); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "connection %s created; tenant URL %s\n", c.Slug, tenantURL(base, c.Tenant, c.Slug))
		return nil
	})
}

type tokenCreateCmd struct {
	Tenant     string    `required:"" help:"The tenant's slug." placeholder:"T"`
	Connection string    `help:"The connection whose SCIM endpoint the token opens." placeholder:"C"`
	Role       desk.Role `help:"What the token may do in the JSON API: agent or admin." placeholder:"R"`
	Label      string    `help:"What the token is for." placeholder:"L"`
	Expires    days      `help:"How long the token is good for, such as 365d; for ever if left out." placeholder:"365d"`
}

func (c *tokenCreateCmd) Run(p *program) error {
	if (c.Connection == "") == (c.Role == "") {
		return errors.New("give either --connection, for a SCIM token, or --role, for a token of the JSON API")
	}
	if c.Connection == "" && c.Role != desk.RoleAgent && c.Role != desk.RoleAdmin {
		return fmt.Errorf("--role must be agent or admin, not %q", c.Role)
	}
	return p.withStore(func(st *store.Store) error {
		t := desk.Token{Kind: desk.TokenAPI, TenantID: c.Tenant, Connection: c.Connection, Role: c.Role, Label: c.Label}
		if c.Connection != "" {
			t.Kind = desk.TokenSCIM
		}
		if c.Expires > 0 {
			at := st.Now().Add(time.Duration(c.Expires))
			t.ExpiresAt = &at
		}
		secret, err := (&auth.Authenticator{Store: st}).Issue(p.ctx, provision.System(c.Tenant), &t)
		if err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, secret)
		return nil
	})
}

type companyCreateCmd struct {
	Name   string   `arg:"" help:"The company's name."`
	Tenant string   `required:"" help:"The tenant's slug." placeholder:"T"`
	Domain []string `help:"An email domain of the company, or *.acme.com for all subdomains of acme.com; may be repeated." placeholder:"D"`
}

func (c *companyCreateCmd) Run(p *program) error {
	return p.withEngine(func(e *provision.Engine) error {
		if err := e.KnowsTenant(p.ctx, c.Tenant); err != nil {
			return err
		}
		company, err := e.CreateCompany(p.ctx, provision.System(c.Tenant), provision.CompanyEdit{Name: &c.Name, Domains: &c.Domain})
		if err != nil {
			return err
		}
		fmt.Fprintln(p.stdout, company.ID)
		return nil
	})
}

type companyRescanCmd struct {
	Tenant string `required:"" help:"The tenant's slug." placeholder:"T"`
	DryRun bool   `help:"Print what would change, and change nothing."`
}

func (c *companyRescanCmd) Run(p *program) error {
	return p.withEngine(func(e *provision.Engine) error {
		actor := provision.System(c.Tenant)
		if err := e.KnowsTenant(p.ctx, c.Tenant); err != nil {
			return err
		}
		if c.DryRun {
			return previewRescan(p, e, actor)
		}
		if err := e.StartRescan(p.ctx, actor); err != nil {
			return err
		}
		return e.FinishRescan(p.ctx, actor, func(r desk.RescanProgress) {
			fmt.Fprintf(p.stderr, "%d contacts checked, %d changed, %d domains left\n", r.Checked, r.Changed, r.Waiting)
		})
	})
}

// previewRescan prints a line for each contact that a rescan would change: id, domain, company before and after, reason.
func previewRescan(p *program, e *provision.Engine, actor desk.Actor) error {
	names := map[string]string{"": "-"}
	name := func(id string) (string, error) {
		if _, known := names[id]; !known {
			found, err := e.CompanyNames(p.ctx, actor, []string{id})
			if err != nil {
				return "", err
			}
			names[id] = cmp.Or(found[id], "(deleted)")
		}
		return names[id], nil
	}
	changed := 0
	checked, err := e.PreviewRescan(p.ctx, actor, func(r provision.Remapped) error {
		from, err := name(r.Before.CompanyID)
		if err != nil {
			return err
		}
		to, err := name(r.CompanyID)
		changed++
		fmt.Fprintf(p.stdout, "%s\t%s\t%s\t%s\t%s\n", r.Before.ID, r.Before.Domain, from, to, r.Reason)
		return err
	})
	if err == nil {
		fmt.Fprintf(p.stderr, "%d contacts checked, %d would change\n", checked, changed)
	}
	return err
}

type migrateStatusCmd struct{}

func (c *migrateStatusCmd) Run(p *program) error {
	steps, err := store.Migrations(p.ctx, p.database)
	if err != nil {
		return err
	}
	for _, s := range steps {
		state := "pending"
		switch {
		case s.Name == "":
			s.Name, state = fmt.Sprintf("up to %05d", s.Version), "applied by a newer rollcall; use that one"
		case !s.Applied.IsZero():
			state = "applied " + s.Applied.UTC().Format(time.RFC3339)
		}
		fmt.Fprintf(p.stdout, "%-40s %s\n", s.Name, state)
	}
	return nil
}

// withStore opens the database for the time of f.
func (p *program) withStore(f func(*store.Store) error) error {
	st, err := p.open()
	if err != nil {
		return err
	}
	defer st.Close()
	return f(st)
}

// withEngine does the same for the engine over it.
func (p *program) withEngine(f func(*provision.Engine) error) error {
	return p.withStore(func(st *store.Store) error { return f(&provision.Engine{Store: st}) })
}
