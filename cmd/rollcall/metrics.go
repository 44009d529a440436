package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"rollcall/desk"
	"rollcall/internal/httpx"
	"rollcall/provision"
	"rollcall/store"
)

// metrics are what this process tells Prometheus of itself. Labels are templates of routes, never what stands in a path: there are
// as many series as there are routes and connections.
type metrics struct {
	registry     *prometheus.Registry
	requests     *prometheus.CounterVec
	latency      *prometheus.HistogramVec
	jobs         *prometheus.CounterVec
	jobSeconds   *prometheus.CounterVec
	jobSucceeded *prometheus.GaugeVec
}

// newMetrics returns metrics of an engine and its database.
func newMetrics(engine *provision.Engine, log *slog.Logger) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_http_requests_total", Help: "Requests by edge, template of the route (none for a path that has none), method and status.",
		}, []string{"edge", "route", "method", "status"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rollcall_http_request_seconds", Help: "How long requests took.", Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"edge", "route", "method"}),
		jobs:         prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rollcall_job_runs_total", Help: "Runs of jobs in this process, by how they ended."}, []string{"job", "result"}),
		jobSeconds:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rollcall_job_seconds_total", Help: "How long this process has worked on jobs."}, []string{"job"}),
		jobSucceeded: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "rollcall_job_last_success_timestamp_seconds", Help: "When this process last ended a run of a job well."}, []string{"job"}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "rollcall_build_info", Help: "1, with the version.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.latency, m.jobs, m.jobSeconds, m.jobSucceeded, build,
		&connectionCollector{engine, log}, &storeCollector{engine.Store}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// request counts a request.
func (m *metrics) request(_ context.Context, d httpx.Done) {
	edge, route := d.Edge, d.Route
	if edge == "" {
		edge = "ops"
	}
	if route == "" {
		route = "none"
	}
	m.requests.WithLabelValues(edge, route, d.Method, strconv.Itoa(d.Status)).Inc()
	m.latency.WithLabelValues(edge, route, d.Method).Observe(d.Took.Seconds())
}

// job counts a job's run.
func (m *metrics) job(name string, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.jobs.WithLabelValues(name, result).Inc()
	m.jobSeconds.WithLabelValues(name).Add(took.Seconds())
	if err == nil {
		m.jobSucceeded.WithLabelValues(name).SetToCurrentTime()
	}
}

// serve answers Prometheus, on a listener of its own, until the context ends.
func (m *metrics) serve(ctx context.Context, listener net.Listener, log *slog.Logger) {
	routes := http.NewServeMux()
	routes.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	server := &http.Server{Handler: routes, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 30 * time.Second, MaxHeaderBytes: maxHeader}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.Error("ops listener", "error", err)
	}
}

// connectionCollector tells how the connections do, as they do when Prometheus asks.
type connectionCollector struct {
	engine *provision.Engine
	log    *slog.Logger
}

var (
	connectionLabels = []string{"tenant", "connection"}
	healthMetric     = prometheus.NewDesc("rollcall_connection_health", "How a connection does: 0 ok, 1 attention, 2 failing.", connectionLabels, nil)
	reasonMetric     = prometheus.NewDesc("rollcall_connection_problem", "1 for each thing that is wrong with a connection.", append(connectionLabels, "code"), nil)
	activityMetric   = prometheus.NewDesc("rollcall_connection_last_activity_timestamp_seconds", "When the directory was last heard of.", connectionLabels, nil)
	lagMetric        = prometheus.NewDesc("rollcall_connection_cycle_lag_seconds", "How long the next cycle is overdue, for directories that come by the clock.", connectionLabels, nil)
	outcomeMetric    = prometheus.NewDesc("rollcall_scim_outcomes_total", "What this process did for a connection's directory: outcomes of writes, and unchanged, lookup, error.",
		append(connectionLabels, "outcome"), nil)
)

func (c *connectionCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{healthMetric, reasonMetric, activityMetric, lagMetric, outcomeMetric} {
		ch <- desc
	}
}

func (c *connectionCollector) Collect(ch chan<- prometheus.Metric) {
	for _, t := range c.engine.Store.Totals() {
		count := func(outcome string, n int) {
			ch <- prometheus.MustNewConstMetric(outcomeMetric, prometheus.CounterValue, float64(n), t.TenantID, t.Connection, outcome)
		}
		for outcome, n := range t.Outcomes {
			count(string(outcome), n)
		}
		count("unchanged", t.Unchanged)
		count("lookup", t.Lookups)
		count("error", t.Errors)
	}
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
	now := c.engine.Store.Now()
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
		if h.NextActivity != nil {
			gauge(lagMetric, max(0, now.Sub(*h.NextActivity).Seconds()), h.TenantID, h.Slug)
		}
	}
}

// storeCollector tells how the pools of connections to the database do.
type storeCollector struct{ store *store.Store }

var (
	poolMetric     = prometheus.NewDesc("rollcall_database_connections", "Connections to the database.", []string{"pool", "state"}, nil)
	poolMaxMetric  = prometheus.NewDesc("rollcall_database_connections_max", "How many there may be.", []string{"pool"}, nil)
	poolWaitMetric = prometheus.NewDesc("rollcall_database_waits_total", "How often a connection had to be waited for.", []string{"pool"}, nil)
	poolTimeMetric = prometheus.NewDesc("rollcall_database_wait_seconds_total", "How long connections were waited for.", []string{"pool"}, nil)
)

func (c *storeCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{poolMetric, poolMaxMetric, poolWaitMetric, poolTimeMetric} {
		ch <- desc
	}
}

func (c *storeCollector) Collect(ch chan<- prometheus.Metric) {
	for name, stats := range c.store.Pools() {
		ch <- prometheus.MustNewConstMetric(poolMetric, prometheus.GaugeValue, float64(stats.InUse), name, "in_use")
		ch <- prometheus.MustNewConstMetric(poolMetric, prometheus.GaugeValue, float64(stats.Idle), name, "idle")
		ch <- prometheus.MustNewConstMetric(poolMaxMetric, prometheus.GaugeValue, float64(stats.MaxOpenConnections), name)
		ch <- prometheus.MustNewConstMetric(poolWaitMetric, prometheus.CounterValue, float64(stats.WaitCount), name)
		ch <- prometheus.MustNewConstMetric(poolTimeMetric, prometheus.CounterValue, stats.WaitDuration.Seconds(), name)
	}
}
