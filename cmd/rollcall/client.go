package main

import (
	"cmp"
	"fmt"
	"os"
	"time"

	"rollcall/desk"
	"rollcall/provision"
)

type clientCreateCmd struct {
	Tenant      string   `required:"" help:"The tenant's slug." placeholder:"T"`
	Connection  string   `required:"" help:"The connection whose SCIM endpoint its tokens open." placeholder:"C"`
	Label       string   `help:"What people call it." placeholder:"L"`
	Expires     days     `help:"How long the secret is good for, such as 365d; for ever if left out." placeholder:"365d"`
	RedirectURI []string `help:"Where an administrator's browser goes back to after consenting; may be repeated. Without one the client needs no consent." placeholder:"URL" sep:"none"`
	Public      bool     `help:"The client can keep no secret, and gets none."`
	WithoutPKCE bool     `help:"The client may leave out PKCE." name:"without-pkce"`
	Issuer      string   `help:"Who signs the assertions that stand in for a secret (workload identity federation)." placeholder:"URL"`
	Subject     string   `help:"What stands in their sub." placeholder:"S"`
	Audience    string   `help:"What stands in their aud." placeholder:"A"`
	JWKSURI     string   `help:"Where the issuer's keys are; by default where its discovery document says." name:"jwks-uri" placeholder:"URL"`
	JWKS        string   `help:"A file with the issuer's keys, as a JSON Web Key Set." name:"jwks" type:"existingfile" placeholder:"FILE"`

	PublicURL string `help:"Where directories reach the server." env:"ROLLCALL_PUBLIC_URL" default:"http://localhost:8080" placeholder:"URL"`
}

func (c *clientCreateCmd) Run(p *program) error {
	base, err := publicURL(cmp.Or(c.PublicURL, "http://localhost:8080"))
	if err != nil {
		return err
	}
	client := desk.Client{
		Connection: c.Connection, Label: c.Label, RedirectURIs: c.RedirectURI, Public: c.Public, WithoutPKCE: c.WithoutPKCE,
		Federation: desk.Federation{Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, JWKSURI: c.JWKSURI},
	}
	if c.JWKS != "" {
		keys, err := os.ReadFile(c.JWKS)
		if err != nil {
			return err
		}
		client.Federation.JWKS = string(keys)
	}
	return p.withEngine(func(e *provision.Engine) error {
		var expires *time.Time
		if c.Expires > 0 {
			at := e.Store.Now().Add(time.Duration(c.Expires))
			expires = &at
		}
		view, secret, err := e.CreateClient(p.ctx, provision.System(c.Tenant), client, expires)
		if desk.KindOf(err) == desk.NotFound {
			return desk.Errorf(desk.NotFound, "", "no connection %s in tenant %s", c.Connection, c.Tenant)
		}
		if err != nil {
			return err
		}
		issuer := desk.Issuer(base, c.Tenant)
		fmt.Fprintf(p.stdout, "Client id:      %s\n", view.ID)
		if secret != "" {
			fmt.Fprintf(p.stdout, "Client secret:  %s\n", secret)
		}
		fmt.Fprintf(p.stdout, "Token URL:      %s/token\n", issuer)
		if len(view.RedirectURIs) > 0 {
			fmt.Fprintf(p.stdout, "Authorize URL:  %s/authorize\n", issuer)
		}
		fmt.Fprintf(p.stdout, "Tenant URL:     %s\n", tenantURL(base, c.Tenant, c.Connection))
		return nil
	})
}
