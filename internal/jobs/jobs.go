// Package jobs does work again and again: by one server process at a time, however many stand over the database, or by each.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"rollcall/store"
)

// Job is work to be done again and again. Run must bear to be broken off, and to run a second time beside itself: a process
// that stands still for longer than it may hold a job loses it without noticing.
type Job struct {
	Name  string        // its key in the database
	Every time.Duration // the pause after each run
	// EachProcess says that every process does it, instead of one at a time.
	EachProcess bool
	Run         func(context.Context) error
}

const (
	// hold is for how long a process has a job unless it says so again. When a process dies, its job waits for so long.
	hold = time.Minute
	// look is how often a process looks whether a job is due.
	look = 15 * time.Second
	// patience is how long the database may take to say who has a job.
	patience = 10 * time.Second
)

// Runner runs jobs.
type Runner struct {
	Store *store.Store
	Log   *slog.Logger
	// Observe is told of each run, unless it is nil.
	Observe func(job string, took time.Duration, err error)
}

// Start runs the jobs until the context ends. The function that it returns waits until those under way have ended.
func (r *Runner) Start(ctx context.Context, jobs ...Job) (wait func()) {
	process := store.NewID()
	var running sync.WaitGroup
	for _, j := range jobs {
		running.Go(func() {
			pause := min(look, j.Every)
			if j.EachProcess {
				pause = j.Every
			}
			for ctx.Err() == nil {
				if err := r.Try(ctx, process, j); err != nil && !(ctx.Err() != nil && errors.Is(err, context.Canceled)) {
					r.Log.Error("job", "job", j.Name, "error", err)
				}
				select {
				case <-time.After(pause):
				case <-ctx.Done():
				}
			}
		})
	}
	return running.Wait
}

// Try runs a job once if it is due and no other process has it.
func (r *Runner) Try(ctx context.Context, process string, j Job) error {
	if j.EachProcess {
		return r.run(ctx, j)
	}
	claimed, err := r.Store.ClaimJob(ctx, j.Name, process, hold, j.Every)
	if err != nil || !claimed {
		return err
	}
	held, stop := context.WithCancel(ctx)
	var keeping sync.WaitGroup
	keeping.Go(func() { r.keep(held, stop, process, j) })
	err = r.run(held, j)
	stop()
	keeping.Wait()
	pause := j.Every
	if ctx.Err() != nil {
		pause = 0 // another process may go on at once
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if released := r.Store.ReleaseJob(ctx, j.Name, process, pause); err == nil {
		err = released
	}
	return err
}

// keep holds a job until the context ends, or stops it when it cannot.
func (r *Runner) keep(ctx context.Context, stop func(), process string, j Job) {
	ticker := time.NewTicker(hold / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		attempt, cancel := context.WithTimeout(ctx, patience)
		held, err := r.Store.HoldJob(attempt, j.Name, process, hold)
		cancel()
		if ctx.Err() == nil && (err != nil || !held) {
			r.Log.Warn("a job is stopped, as it can no longer be held", "job", j.Name, "error", err)
			stop()
			return
		}
	}
}

// run runs a job. A panic is an error.
func (r *Runner) run(ctx context.Context, j Job) (err error) {
	began := time.Now()
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("panic: %T", cause) // whose text may hold anything
		}
		if r.Observe != nil {
			r.Observe(j.Name, time.Since(began), err)
		}
	}()
	return j.Run(ctx)
}
