package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	aloneEvery = 500 * time.Millisecond // how often another node looks whether its turn has come
	alonePing  = time.Second
)

// Alone runs something on one node at a time until ctx ends: what paces itself for all, such as sending within a platform's quota. Another node
// goes on when this one ends, dies or loses the database; run's context ends then, a second later at most. failed is told what keeps it from running.
func (s *Store) Alone(ctx context.Context, what string, run func(context.Context), failed func(error)) {
	ticker := time.NewTicker(aloneEvery)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if err := s.alone(ctx, what, run); err != nil && ctx.Err() == nil {
			failed(err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// alone runs it if no other node does. The lock is the connection's: it goes with it, however the process ends.
func (s *Store) alone(ctx context.Context, what string, run func(context.Context)) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig.Copy())
	if err != nil {
		return fmt.Errorf("lock of %s: %w", what, redact(err))
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // a connection that is broken is closed
	var mine bool
	for !mine { // on one connection, so that waiting costs a statement now and then
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtextextended('qiuzhen ' || $1, 0))`, what).Scan(&mine); err != nil {
			return fmt.Errorf("lock of %s: %w", what, err)
		}
		if !mine && !slept(ctx, aloneEvery) {
			return nil
		}
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); run(running) }()
	for {
		select {
		case <-done:
			return nil
		case <-time.After(alonePing):
		}
		if err = conn.Ping(context.WithoutCancel(ctx)); err != nil {
			cancel()
			<-done
			return fmt.Errorf("lock of %s: %w", what, err)
		}
	}
}

// slept waits; false when ctx ended before.
func slept(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
