package jobs_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rollcall/internal/jobs"
	"rollcall/internal/testkit"
	"rollcall/store"
)

func TestMain(m *testing.M) { os.Exit(testkit.Main(m)) }

// runners returns two runners over one database, their log, and a way to move their clock.
func runners(t *testing.T, databaseURL string) (a, b *jobs.Runner, log *bytes.Buffer, pass func(time.Duration)) {
	t.Helper()
	var passed atomic.Int64
	start := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	log = &bytes.Buffer{}
	open := func() *jobs.Runner {
		s, err := store.Open(t.Context(), databaseURL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		s.Now = func() time.Time { return start.Add(time.Duration(passed.Load())) }
		return &jobs.Runner{Store: s, Log: slog.New(slog.NewTextHandler(log, nil))}
	}
	return open(), open(), log, func(d time.Duration) { passed.Add(int64(d)) }
}

// TestOneAtATime holds that of two processes one does a job, and when it is due again, either.
func TestOneAtATime(t *testing.T) {
	testkit.Databases(t, func(t *testing.T, databaseURL string) {
		a, b, _, pass := runners(t, databaseURL)
		runs := 0
		begun, end := make(chan bool), make(chan bool)
		slow := jobs.Job{Name: "job", Every: time.Hour, Run: func(context.Context) error {
			runs++
			begun <- true
			<-end
			return nil
		}}
		quick := slow
		quick.Run = func(context.Context) error { runs++; return nil }
		try := func(r *jobs.Runner, process string, want int) {
			t.Helper()
			if err := r.Try(t.Context(), process, quick); err != nil || runs != want {
				t.Errorf("process %s: %d runs, want %d; %v", process, runs, want, err)
			}
		}
		var done sync.WaitGroup
		done.Go(func() {
			if err := a.Try(t.Context(), "a", slow); err != nil {
				t.Error(err)
			}
		})
		<-begun
		try(b, "b", 1)
		try(a, "a", 1)
		other := quick
		other.Name = "another"
		if err := b.Try(t.Context(), "b", other); err != nil || runs != 2 {
			t.Errorf("another job ran %d times, %v", runs-1, err)
		}
		close(end)
		done.Wait()
		try(b, "b", 2) // not due
		pass(time.Hour)
		try(b, "b", 3)
		try(a, "a", 3)
		pass(time.Hour)
		try(a, "a", 4)

		each := quick
		each.EachProcess = true
		for want, r := range map[int]*jobs.Runner{5: a, 6: b} {
			if err := r.Try(t.Context(), "x", each); err != nil {
				t.Errorf("%v, want %d", err, want)
			}
		}
		if runs != 6 {
			t.Errorf("a job of each process ran %d times", runs-4)
		}
	})
}

// TestFailures holds that a job that fails, or panics, is given back and done again at its next time, and that one that was
// told to stop can be done by another process at once.
func TestFailures(t *testing.T) {
	databaseURL := testkit.SQLite(t)
	a, b, _, pass := runners(t, databaseURL)
	runs := 0
	job := func(f func(context.Context) error) jobs.Job {
		return jobs.Job{Name: "job", Every: time.Hour, Run: func(ctx context.Context) error { runs++; return f(ctx) }}
	}
	failed := errors.New("failed")
	if err := a.Try(t.Context(), "a", job(func(context.Context) error { return failed })); err != failed {
		t.Error(err)
	}
	fine := job(func(context.Context) error { return nil })
	if err := b.Try(t.Context(), "b", fine); err != nil || runs != 1 {
		t.Errorf("%d runs, %v", runs, err)
	}
	pass(time.Hour)
	if err := a.Try(t.Context(), "a", job(func(context.Context) error { panic("kofi@acme.example") })); err == nil || strings.Contains(err.Error(), "kofi") {
		t.Errorf("a panic is %v", err)
	}
	pass(time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	if err := a.Try(ctx, "a", job(func(ctx context.Context) error { cancel(); <-ctx.Done(); return ctx.Err() })); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := b.Try(t.Context(), "b", fine); err != nil || runs != 4 {
		t.Errorf("%d runs, %v", runs, err)
	}
}

// TestStart holds that jobs run until the context ends, and are waited for.
func TestStart(t *testing.T) {
	a, b, log, _ := runners(t, testkit.SQLite(t))
	ctx, cancel := context.WithCancel(t.Context())
	var ended atomic.Int64
	begun := make(chan string, 100)
	job := func(name string) jobs.Job {
		return jobs.Job{Name: name, Every: time.Millisecond, EachProcess: name == "each", Run: func(ctx context.Context) error {
			begun <- name
			if name == "failing" {
				return errors.New("of its own")
			}
			<-ctx.Done()
			ended.Add(1)
			return ctx.Err()
		}}
	}
	waitA := a.Start(ctx, job("one"), job("each"), job("failing"))
	waitB := b.Start(ctx, job("one"), job("each"))
	seen := map[string]int{}
	for seen["one"] < 1 || seen["each"] < 2 || seen["failing"] < 1 {
		seen[<-begun]++
	}
	cancel()
	waitA()
	waitB()
	if seen["one"] != 1 || ended.Load() != 3 {
		t.Errorf("begun %v, ended %d", seen, ended.Load())
	}
	if text := log.String(); !strings.Contains(text, "job=failing error=\"of its own\"") || strings.Contains(text, "canceled") {
		t.Errorf("the log says %s", text)
	}
}
