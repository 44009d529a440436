package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"rollcall/internal/httpx"
	"rollcall/store"
)

// tracing sends a span for each request and each statement of it to a collector. Spans hold templates of routes and statements
// without their arguments: what stands in URLs and in the database is about people.
type tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// startTracing begins to send spans to the collector at the URL, by OTLP over HTTP. The variables of OpenTelemetry
// (OTEL_EXPORTER_OTLP_HEADERS, OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME …) say the rest.
func startTracing(ctx context.Context, url string, st *store.Store, log *slog.Logger) (*tracing, error) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("traces", "error", err) }))
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(strings.TrimRight(url, "/")+"/v1/traces"))
	if err != nil {
		return nil, fmt.Errorf("OTLP: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", "rollcall"), attribute.String("service.version", version)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTLP: %w", err)
	}
	t := &tracing{provider: sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))}
	t.tracer = t.provider.Tracer("rollcall")
	return t, st.Observe(func(ctx context.Context) func(string, error) { return t.statement(ctx, string(st.Engine())) })
}

// w3c is how a request says of which trace it is a part.
var w3c = propagation.TraceContext{}

// requests gives each request a span, within that of its client if it names one. The log names its trace.
func (t *tracing) requests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := t.tracer.Start(w3c.Extract(r.Context(), propagation.HeaderCarrier(r.Header)), "request", trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		w3c.Inject(ctx, propagation.HeaderCarrier(r.Header))
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// done says in a request's span what became of it.
func (t *tracing) done(ctx context.Context, d httpx.Done) {
	span := trace.SpanFromContext(ctx)
	span.SetName(strings.TrimSpace(d.Method + " " + d.Route))
	span.SetAttributes(attribute.String("http.request.method", d.Method), attribute.String("http.route", d.Route), attribute.Int("http.response.status_code", d.Status),
		attribute.String("rollcall.edge", d.Edge), attribute.String("rollcall.request_id", httpx.RequestID(ctx)))
	if d.Status >= 500 || d.Status == 0 {
		span.SetStatus(codes.Error, "")
	}
}

// statement begins the span of a statement, if it is a part of a request.
func (t *tracing) statement(ctx context.Context, engine string) func(string, error) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return func(string, error) {}
	}
	_, span := t.tracer.Start(ctx, "statement", trace.WithSpanKind(trace.SpanKindClient))
	return func(sql string, err error) {
		verb, _, _ := strings.Cut(sql, " ")
		span.SetName(verb)
		span.SetAttributes(attribute.String("db.system.name", engine), attribute.String("db.query.text", sql))
		if err != nil {
			span.SetStatus(codes.Error, fmt.Sprintf("%T", err)) // whose text may hold values
		}
		span.End()
	}
}

// stop sends what is left, if there is somebody to take it.
func (t *tracing) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), last)
	defer cancel()
	t.provider.Shutdown(ctx) // which tells the error handler
}
