package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"rollcall/api"
	"rollcall/auth"
	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/portal"
	"rollcall/provision"
	"rollcall/scim"
)

type serveCmd struct {
	Listen    string `help:"Address to listen on." default:":8080" env:"ROLLCALL_LISTEN" placeholder:"ADDR"`
	PublicURL string `help:"Where directories and agents reach the server; http://localhost and the port if left out." env:"ROLLCALL_PUBLIC_URL" placeholder:"URL"`
}

// drain is how long requests may take to end after SIGTERM.
const drain = httpx.Timeout

// Run serves until the context ends, then lets the requests under way finish.
func (c *serveCmd) Run(p *program) error {
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Listen, cause(err))
	}
	defer listener.Close()
	if c.PublicURL == "" {
		c.PublicURL = fmt.Sprintf("http://localhost:%d", listener.Addr().(*net.TCPAddr).Port)
	}
	base, err := publicURL(c.PublicURL)
	if err != nil {
		return err
	}
	st, err := p.open()
	if err != nil {
		return err
	}
	defer st.Close()

	log := slog.New(slog.NewTextHandler(p.stderr, nil))
	authenticator := &auth.Authenticator{Store: st, Log: log}
	engine := &provision.Engine{Store: st}
	var draining atomic.Bool
	rest := http.NewServeMux()
	rest.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	rest.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		// The schema is up to date, or the store would not have opened.
		if err := st.Ping(r.Context()); err != nil || draining.Load() {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	rest.Handle("/", (&portal.Handler{
		Engine: engine, Session: authenticator.Session, SignIn: authenticator.SignIn, SignOut: authenticator.SignOut, PublicURL: base, Log: log,
	}).Routes())
	edges := httpx.Edges(
		(&scim.Handler{Engine: engine, Authenticate: authenticator.SCIM, PublicURL: base, Log: log}).Routes(),
		(&api.Handler{Engine: engine, Authenticate: authenticator.API, PublicURL: base, Version: version, Log: log}).Routes(),
		rest,
	)
	server := &http.Server{
		Handler:           httpx.Wrap(edges, log),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       httpx.Timeout,
		WriteTimeout:      2 * httpx.Timeout,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	if err := c.greet(p, engine, authenticator, base, listener.Addr()); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-p.ctx.Done():
	}
	log.Info("shutting down")
	draining.Store(true)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), drain)
	defer cancel()
	return server.Shutdown(ctx)
}

// greet says where everything is. On an empty database it makes the first tenant and connection, and shows the token.
func (c *serveCmd) greet(p *program, engine *provision.Engine, authenticator *auth.Authenticator, base string, addr net.Addr) error {
	const tenant, connection = "main", "entra"
	fmt.Fprintf(p.stdout, "Rollcall %s listens on %s, database %s\n", version, addr, engine.Store.Engine())
	some, err := engine.Store.Read(p.ctx).HasTenants()
	if err != nil {
		return err
	}
	if !some {
		err := engine.CreateTenant(p.ctx, tenant, "")
		if err == nil {
			err = engine.CreateConnection(p.ctx, desk.Connection{TenantID: tenant, Slug: connection, Name: "Microsoft Entra ID", Provider: "entra"})
		}
		switch desk.KindOf(err) {
		case "":
			secret, err := authenticator.Issue(p.ctx, desk.Token{Kind: desk.TokenSCIM, TenantID: tenant, Connection: connection, Label: "first"})
			if err != nil {
				return err
			}
			link, err := authenticator.SignInLink(p.ctx, tenant)
			if err != nil {
				return err
			}
			fmt.Fprintf(p.stdout, "\nTenant URL:    %s\nSecret token:  %s\nFirst sign-in: %s/signin/%s\n\n"+
				"Paste the first two into Entra (Provisioning, Admin Credentials). The token is shown this once; the link is good once, for a day.\n\n",
				tenantURL(base, tenant, connection), secret, base, link)
		case desk.Uniqueness: // another server, started at the same moment, has made them
		default:
			return err
		}
	}
	fmt.Fprintf(p.stdout, "Portal:        %s/\n", base)
	return nil
}

func tenantURL(base, tenant, connection string) string {
	return base + "/scim/" + tenant + "/" + connection
}

// publicURL checks the address by which others reach the server, and takes off a trailing slash.
func publicURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("public URL %q: want http:// or https:// and a host", text)
	}
	return strings.TrimRight(text, "/"), nil
}

// cause returns what the system said, without the repeated address.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
