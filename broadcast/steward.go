package broadcast

import (
	"context"
	"log/slog"
	"time"
)

// Begun is a fan-out.
type Begun struct {
	Broadcast  int64 // 0: there was nothing to begin
	Recipients int64
	Waits      int64 // a correction that waits for what it corrects to end, which it stopped
}

// Books opens and ends broadcasts; *postgres.Ledger does.
type Books interface {
	// Begin tells what was begun also when others could not be.
	Begin(ctx context.Context) (Begun, error)
	End(ctx context.Context) (ended []int64, err error)
}

// Steward begins what was approved at its hour, and ends what is done. Every node may run one.
type Steward struct {
	Books Books
	Log   *slog.Logger
	Every time.Duration // 0: a second
}

// Run goes on until ctx ends.
func (s *Steward) Run(ctx context.Context) {
	every := orDefault(s.Every, time.Second)
	for ctx.Err() == nil {
		wait := every
		begun, err := s.Books.Begin(ctx)
		if err != nil {
			s.warn(ctx, "begin", err)
		}
		switch {
		case begun.Broadcast != 0:
			s.Log.Info("broadcast: begun", "broadcast", begun.Broadcast, "recipients", begun.Recipients)
			wait = 0 // perhaps there is another
		case begun.Waits != 0:
			wait = every / 10
		}
		ended, err := s.Books.End(ctx)
		if err != nil {
			s.warn(ctx, "end", err)
		}
		for _, id := range ended {
			s.Log.Info("broadcast: ended", "broadcast", id)
		}
		sleep(ctx, wait)
	}
}

func (s *Steward) warn(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		s.Log.Error("broadcast: cannot "+what, "error", err)
	}
}

func sleep(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func orDefault(d, fallback time.Duration) time.Duration {
	if d == 0 {
		return fallback
	}
	return d
}
