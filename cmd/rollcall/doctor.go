package main

import (
	"fmt"
	"time"

	"rollcall/desk"
	"rollcall/provision"
	"rollcall/store"
)

// doctorCmd has those flags of serve by which a server's state can be judged; they are in the same environment.
type doctorCmd struct {
	TLS        tlsFlags `embed:""`
	PublicURL  string   `help:"Where directories and agents reach the server; a certificate must be for it." env:"ROLLCALL_PUBLIC_URL" placeholder:"URL"`
	KeepEvents keep     `help:"How long the log of events is kept." default:"${keep}" env:"ROLLCALL_KEEP_EVENTS" placeholder:"365d"`
}

// Run prints how the installation does, a line for each check. Something failing is an error; what wants attention is none.
func (c *doctorCmd) Run(p *program) error {
	list := c.TLS.diagnose(c.PublicURL, time.Now())
	st, findings := store.Diagnose(p.ctx, p.database)
	list = append(list, findings...)
	if st != nil {
		defer st.Close()
		engine := &provision.Engine{Store: st}
		x := provision.Expected{KeepEvents: time.Duration(c.KeepEvents)}
		for _, j := range (&serveCmd{KeepEvents: c.KeepEvents}).jobs(engine) {
			if !j.EachProcess {
				x.Jobs = append(x.Jobs, j.Name)
			}
		}
		findings, err := engine.Diagnose(p.ctx, x)
		if err != nil {
			findings = []desk.Finding{desk.Found("tables", desk.HealthFailing, "%s; what is in them could not be checked", message(err))}
		}
		list = append(list, findings...)
	}
	failing := 0
	for _, f := range list {
		line := f.Name + ": " + string(f.Health)
		switch {
		case f.Health == desk.HealthFailing:
			failing++
			fallthrough
		case f.Health == desk.HealthAttention:
			line += "; "
		case f.Message != "":
			line += ", "
		}
		fmt.Fprintln(p.stdout, line+f.Message)
	}
	if failing > 0 {
		return fmt.Errorf("%d of %d checks are failing", failing, len(list))
	}
	return nil
}
