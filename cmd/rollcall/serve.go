package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"rollcall/api"
	"rollcall/auth"
	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/internal/jobs"
	"rollcall/oauth"
	"rollcall/portal"
	"rollcall/provision"
	"rollcall/scim"
	"rollcall/store"
)

type serveCmd struct {
	Listen    string `help:"Address to listen on." default:":8080" env:"ROLLCALL_LISTEN" placeholder:"ADDR"`
	PublicURL string `help:"Where directories and agents reach the server; http://localhost and the port of --listen if left out." env:"ROLLCALL_PUBLIC_URL" placeholder:"URL"`
	Proxies   string `help:"Networks of the proxies in front, separated by commas, whose X-Forwarded-For is believed; this machine alone if left out." env:"ROLLCALL_PROXIES" placeholder:"CIDR"`

	TLS tlsFlags `embed:""`

	Rate rate `help:"How many requests a second each connection may send, and each tenant's programs may send to the JSON API; four times as many at once. 0 for any number." default:"${rate}" env:"ROLLCALL_RATE" placeholder:"N"`

	InFlight inFlight `help:"How many requests of one tenant are worked on at once; on PostgreSQL no more than three quarters of its connections allow. 0 for any number." default:"${inFlight}" env:"ROLLCALL_IN_FLIGHT" placeholder:"N"`

	Connections connections `help:"How many connections may be open at once; where another one comes, the one that was idle for longest is closed." default:"${connections}" env:"ROLLCALL_CONNECTIONS" placeholder:"N"`

	OIDC string `help:"A JSON file with the OpenID providers by which agents can sign in." name:"oidc" env:"ROLLCALL_OIDC" placeholder:"FILE"`

	Metrics string `help:"Address of a listener of its own for Prometheus, such as 127.0.0.1:9090; none if left out." env:"ROLLCALL_METRICS" placeholder:"ADDR"`

	OTLP string `name:"otlp" help:"Base URL of an OpenTelemetry collector that takes traces by OTLP over HTTP, such as http://localhost:4318; none if left out." env:"ROLLCALL_OTLP,OTEL_EXPORTER_OTLP_ENDPOINT" placeholder:"URL"`

	LogFormat string `help:"How the server's own log is written: text or json." enum:"text,json," default:"text" env:"ROLLCALL_LOG_FORMAT" placeholder:"FORMAT"`
	LogLevel  string `help:"What of it is written: debug, info, warn or error, and what is worse." enum:"debug,info,warn,error," default:"info" env:"ROLLCALL_LOG_LEVEL" placeholder:"LEVEL"`

	KeepEvents keep `help:"How long the log of events is kept, such as 365d; 0 keeps all of it." default:"${keep}" env:"ROLLCALL_KEEP_EVENTS" placeholder:"365d"`
}

// providers reads the file of OpenID providers, if there is one.
func (c *serveCmd) providers() ([]auth.Provider, error) {
	if c.OIDC == "" {
		return nil, nil
	}
	text, err := readFile(c.OIDC)
	if err != nil {
		return nil, err
	}
	list, err := auth.ReadProviders(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.OIDC, err)
	}
	return list, nil
}

// drain is how long requests may take to end after SIGTERM.
const drain = httpx.Timeout

// maxHeader is how long the URL and headers of a request may be, in bytes: a filter may have 8 KiB, and three times as many as
// it is sent in a URL.
const maxHeader = 32 << 10

// last is how long what has been counted until then may take to be written down.
const last = 5 * time.Second

// ballast is memory that nobody writes, and the system so never gives: it counts as living, which lets the garbage collector wait until
// as much again was allocated. What a server keeps is so little that it would else collect a hundred times a second.
const ballast = 8 << 20

// Run serves until the context ends, then lets the requests under way finish.
func (c *serveCmd) Run(p *program) error {
	unwritten := make([]byte, ballast)
	defer runtime.KeepAlive(unwritten)
	listener, err := net.Listen("tcp", cmp.Or(c.Listen, ":8080"))
	if err != nil {
		return fmt.Errorf("listen on %s: %w", c.Listen, cause(err))
	}
	defer listener.Close()
	var ops net.Listener
	if c.Metrics != "" {
		if ops, err = net.Listen("tcp", c.Metrics); err != nil {
			return fmt.Errorf("listen on %s: %w", c.Metrics, cause(err))
		}
		defer ops.Close()
	}
	base, err := publicURL(cmp.Or(c.PublicURL, c.TLS.url(listener.Addr())))
	if err != nil {
		return err
	}
	proxies, err := networks(c.Proxies)
	if err != nil {
		return err
	}
	providers, err := c.providers()
	if err != nil {
		return err
	}
	st, err := p.open()
	if p.ctx.Err() != nil {
		return nil // told to stop while it waited for the database
	}
	if err != nil {
		return err
	}
	defer st.Close()

	log := c.log(p.stderr)
	tlsConfig, err := c.TLS.config(log)
	if err != nil {
		return err
	}
	authenticator := &auth.Authenticator{Store: st, Log: log, PublicURL: base, Providers: providers}
	defer authenticator.Close()
	engine := &provision.Engine{Store: st}
	m := newMetrics(engine, log)
	observe := m.request
	var traces *tracing
	if c.OTLP != "" {
		if traces, err = startTracing(p.ctx, c.OTLP, st, log); err != nil {
			return err
		}
		defer traces.stop()
		observe = func(ctx context.Context, d httpx.Done) {
			m.request(ctx, d)
			traces.done(ctx, d)
		}
	}
	tenants := c.InFlight.bound(st)
	server := &http.Server{
		Handler: httpx.Wrap(httpx.Behind(proxies, httpx.Edges{
			SCIM: (&scim.Handler{Engine: engine, Authenticate: authenticator.SCIM, Limit: c.Rate.limiter(), InFlight: tenants, PublicURL: base, Log: log}).Routes(),
			API: (&api.Handler{
				Engine: engine, Authenticate: authenticator.API, Limit: c.Rate.limiter(), InFlight: tenants, Tokens: authenticator, ReadUser: scim.ReadUser, ReadPatch: scim.ReadPatch, PublicURL: base, Version: version, Log: log,
			}).Routes(),
			OAuth: (&oauth.Handler{Auth: authenticator, PublicURL: base, Log: log}).Routes(),
			Portal: (&portal.Handler{
				Engine: engine, Session: authenticator.Session, SignIn: authenticator.SignIn, SignOut: authenticator.SignOut, Accounts: authenticator, Tokens: authenticator, ReadUser: scim.ReadUser, InFlight: tenants, PublicURL: base, Log: log,
			}).Routes(),
			// The schema is up to date, or the store would not have opened.
			Ready: func(ctx context.Context) error { return errors.Join(p.ctx.Err(), st.Ping(ctx)) },
		}), log, observe),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       httpx.Timeout,
		WriteTimeout:      2 * httpx.Timeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		TLSConfig:         tlsConfig,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 100},
		ErrorLog:          stdlog.New(serverErrors{log}, "", 0),
	}
	if traces != nil {
		server.Handler = traces.requests(server.Handler)
	}
	if strings.HasPrefix(base, "https:") {
		server.Handler = strict(server.Handler)
	}
	bound := httpx.NewConnections(int(c.Connections))
	if bound.Max() < int(c.Connections) {
		log.Warn("fewer connections than --connections says: the system lets the process open no more files", "connections", bound.Max())
	}
	if err := greet(p, st, base, listener.Addr()); err != nil {
		return err
	}
	debug.FreeOSMemory() // the collector goes by what it found living when it last ran, and that shall not be what only the start needed
	letGo(unwritten)
	stop := c.work(p.ctx, engine, &jobs.Runner{Store: st, Log: log, Observe: m.job})
	defer stop()
	if ops != nil {
		go m.serve(p.ctx, ops, log)
	}
	ended := make(chan error, 1)
	limited := bound.Bound(server, listener)
	go func() {
		if tlsConfig != nil {
			ended <- server.ServeTLS(limited, "", "") // the certificate is the configuration's
		} else {
			ended <- server.Serve(limited)
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-p.ctx.Done():
	}
	log.Info("shutting down")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), drain)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		log.Warn("requests that did not end were cut off", "after", drain)
		server.Close()
	}
	return nil
}

// log returns the server's own log.
func (c *serveCmd) log(to io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: map[string]slog.Level{"debug": slog.LevelDebug, "warn": slog.LevelWarn, "error": slog.LevelError}[c.LogLevel]} // else info
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}

// jobs are what servers do beside answering requests.
func (c *serveCmd) jobs(engine *provision.Engine) []jobs.Job {
	list := []jobs.Job{
		{Name: "write activity", Every: 5 * time.Second, EachProcess: true, Run: engine.Store.WriteActivity},
		{Name: "write denials", Every: 5 * time.Second, EachProcess: true, Run: engine.Store.WriteDenials},
		{Name: "analyze tables", Every: 250 * time.Millisecond, EachProcess: true, Run: engine.Store.Analyze},
		{Name: "map contacts to companies anew", Every: 5 * time.Second, EachProcess: true, Run: engine.Rescan},
		{Name: "apply settings", Every: 5 * time.Second, Run: engine.Reapply},
		{Name: "settle cycles", Every: time.Minute, Run: engine.SettleCycles},
	}
	if c.KeepEvents > 0 {
		list = append(list, jobs.Job{Name: "delete old events", Every: time.Hour, Run: func(ctx context.Context) error {
			return engine.DeleteOldEvents(ctx, engine.Store.Now().Add(-time.Duration(c.KeepEvents)))
		}})
	}
	return list
}

// work begins that, and returns what ends it.
func (c *serveCmd) work(ctx context.Context, engine *provision.Engine, runner *jobs.Runner) (stop func()) {
	background, cancel := context.WithCancel(ctx)
	wait := runner.Start(background, c.jobs(engine)...)
	return func() {
		cancel()
		wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), last)
		defer cancel()
		if err := engine.Store.WriteActivity(ctx); err != nil {
			runner.Log.Warn("the last seconds are missing from the counts of the cycles under way", "error", err)
		}
	}
}

// greet says where everything is. On an empty database it makes the first tenant and connection, and shows the token.
func greet(p *program, st *store.Store, base string, addr net.Addr) error {
	fmt.Fprintf(p.stdout, "Rollcall %s listens on %s, database %s\n", version, addr, st.Engine())
	tenants, err := st.Read(p.ctx).HasTenants()
	if err != nil {
		return err
	}
	if !tenants {
		if err := first(p, st, base); err != nil {
			return err
		}
	}
	connections, err := st.Read(p.ctx).HasConnections()
	if err != nil {
		return err
	}
	if !connections {
		fmt.Fprintf(p.stdout, "No directory is connected yet; see rollcall connection create --help\n")
	}
	fmt.Fprintf(p.stdout, "Portal:        %s/\n", base)
	return nil
}

// first makes the first tenant and its connection, all or nothing: the token cannot be shown a second time.
func first(p *program, st *store.Store, base string) error {
	const tenant, connection = "main", "entra"
	var secret, link string
	system := provision.System(tenant)
	err := st.Tx(p.ctx, func(tx *store.Tx) error {
		err := provision.AddTenant(tx, tenant, "")
		if err != nil {
			return err
		}
		if err := provision.AddConnection(tx, system, &desk.Connection{Slug: connection, Name: "Microsoft Entra ID", Provider: "entra"}); err != nil {
			return err
		}
		if secret, err = auth.Add(tx, system, &desk.Token{Kind: desk.TokenSCIM, TenantID: tenant, Connection: connection, Label: "first"}); err != nil {
			return err
		}
		signIn := auth.SignInLink(tenant, tx.Now)
		link, err = auth.Add(tx, system, &signIn)
		return err
	})
	if desk.KindOf(err) == desk.Uniqueness {
		return nil // another server, started at the same moment, has made them
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "\nTenant URL:    %s\nSecret token:  %s\nFirst sign-in: %s/signin/%s\n\n"+
		"Paste the first two into Entra (Provisioning, Admin Credentials). The token is shown this once; the link is good once, for a day.\n\n",
		tenantURL(base, tenant, connection), secret, base, link)
	return nil
}

func tenantURL(base, tenant, connection string) string {
	return base + "/scim/" + tenant + "/" + connection
}

// publicURL checks the address by which others reach the server, and takes off a trailing slash.
func publicURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.ContainsAny(text, "?# ") {
		return "", fmt.Errorf("public URL %q: want http:// or https://, a host, and no more than a path", text)
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.EscapedPath(), "/"), nil
}

// networks reads networks and single addresses, separated by commas.
func networks(text string) ([]netip.Prefix, error) {
	if text == "" {
		return httpx.Loopback, nil
	}
	var list []netip.Prefix
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		network, err := netip.ParsePrefix(part)
		if ip, bad := netip.ParseAddr(part); bad == nil {
			network, err = ip.Prefix(ip.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("proxies %q: want networks or addresses, such as 10.0.0.0/8", text)
		}
		list = append(list, network)
	}
	return list, nil
}

// cause returns what the system said, without the repeated address.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Err
	}
	return err
}
