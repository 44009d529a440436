package store

import (
	"context"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// job is a row of work that one process at a time does again and again.
type job struct {
	TenantID  string `gorm:"primaryKey"` // "": jobs are for all tenants
	Name      string `gorm:"primaryKey"`
	Holder    string
	HeldUntil time.Time
	DueAt     time.Time
}

func (s *Store) micros(in time.Duration) time.Time {
	return s.Now().UTC().Add(in).Truncate(time.Microsecond)
}

// ClaimJob makes a process the holder of a job for a while, and reports true, if the job is due and nobody holds it. Processes
// tell the time by their own clocks, which should agree to a few seconds. A job is due every so often at the latest: one that is held or
// due later than can be was so by a clock that has been set back since.
func (s *Store) ClaimJob(ctx context.Context, name, holder string, hold, every time.Duration) (bool, error) {
	now := s.micros(0)
	isAhead := func(t time.Time, most time.Duration) bool { return t.After(now) && !t.After(now.Add(most)) }
	jobs, err := gorm.G[job](s.read).Where("tenant_id = '' AND name = ?", name).Find(ctx)
	if err != nil {
		return false, fail(err, "look for a job")
	}
	if len(jobs) > 0 && (isAhead(jobs[0].DueAt, every) || isAhead(jobs[0].HeldUntil, hold)) {
		return false, nil // which is so most times, and costs no write
	}
	claimed := false
	err = s.Tx(ctx, func(tx *Tx) error {
		first := job{Name: name, HeldUntil: now, DueAt: now}
		if err := gorm.G[job](tx.db, clause.OnConflict{DoNothing: true}).Create(ctx, &first); err != nil {
			return err
		}
		result := tx.db.Exec("UPDATE jobs SET holder = ?, held_until = ? WHERE tenant_id = '' AND name = ?"+
			" AND (due_at <= ? OR due_at > ?) AND (held_until <= ? OR held_until > ?)", holder, now.Add(hold), name, now, now.Add(every), now, now.Add(hold))
		claimed = result.RowsAffected == 1
		return result.Error
	})
	return claimed && err == nil, fail(err, "claim a job")
}

// HoldJob lets the holder of a job keep it for a while longer, and reports whether it still holds it.
func (s *Store) HoldJob(ctx context.Context, name, holder string, hold time.Duration) (bool, error) {
	return s.updateJob(ctx, "held_until = ? WHERE tenant_id = '' AND name = ? AND holder = ? AND held_until > ?",
		s.micros(hold), name, holder, s.micros(0))
}

// ReleaseJob gives a job back, which is due again after a pause.
func (s *Store) ReleaseJob(ctx context.Context, name, holder string, pause time.Duration) error {
	_, err := s.updateJob(ctx, "holder = '', held_until = ?, due_at = ? WHERE tenant_id = '' AND name = ? AND holder = ?",
		s.micros(0), s.micros(pause), name, holder)
	return err
}

func (s *Store) updateJob(ctx context.Context, set string, args ...any) (updated bool, err error) {
	err = s.Tx(ctx, func(tx *Tx) error {
		result := tx.db.Exec("UPDATE jobs SET "+set, args...)
		updated = result.RowsAffected == 1
		return fail(result.Error, "update a job")
	})
	return updated && err == nil, err
}
