package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

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

// healthCollector tells Prometheus how the connections do, as they do when it asks.
type healthCollector struct {
	engine *provision.Engine
	log    *slog.Logger
}

var (
	connectionLabels = []string{"tenant", "connection"}
	healthMetric     = prometheus.NewDesc("rollcall_connection_health", "How a connection does: 0 ok, 1 attention, 2 failing.", connectionLabels, nil)
	reasonMetric     = prometheus.NewDesc("rollcall_connection_problem", "1 for each thing that is wrong with a connection.", append(connectionLabels, "code"), nil)
	activityMetric   = prometheus.NewDesc("rollcall_connection_last_activity_timestamp_seconds", "When the directory was last heard of.", connectionLabels, nil)
)

func (c *healthCollector) Describe(ch chan<- *prometheus.Desc) {
	ch <- healthMetric
	ch <- reasonMetric
	ch <- activityMetric
}

func (c *healthCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	list, err := c.engine.AllHealth(ctx)
	if err != nil {
		c.log.Error("metrics", "error", err)
		ch <- prometheus.NewInvalidMetric(healthMetric, errors.New("the database does not answer"))
		return
	}
	gauge := func(desc *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
	}
	for _, h := range list {
		gauge(healthMetric, map[desk.Health]float64{desk.HealthAttention: 1, desk.HealthFailing: 2}[h.Health], h.TenantID, h.Slug)
		told := map[string]bool{}
		for _, r := range h.Reasons {
			if !told[r.Code] {
				gauge(reasonMetric, 1, h.TenantID, h.Slug, r.Code)
			}
			told[r.Code] = true
		}
		if h.LastActivity != nil {
			gauge(activityMetric, float64(h.LastActivity.UnixMilli())/1000, h.TenantID, h.Slug)
		}
	}
}

// serveOps answers Prometheus, on a listener of its own, until the context ends.
func serveOps(ctx context.Context, listener net.Listener, engine *provision.Engine, log *slog.Logger) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(&healthCollector{engine, log}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	routes := http.NewServeMux()
	routes.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	server := &http.Server{Handler: routes, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.Error("ops listener", "error", err)
	}
}
