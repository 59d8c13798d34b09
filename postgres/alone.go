package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	aloneEvery = 500 * time.Millisecond // how often another node looks whether its turn has come
	alonePing  = time.Second
	aloneLost  = 10 * time.Second // a node that did not hear of the database for so long stops
	aloneLooks = 30               // at least 15 seconds: of a node that gave no sign meanwhile the others end the connection
)

// Alone runs something on one node at a time until ctx ends: what paces itself for all, such as sending within a platform's quota. Another node
// goes on when this one ends, dies or loses the database, and some 15 seconds after this one, or its way to the database, froze. Run's context
// then ends: a second later at most, or as soon as what was frozen goes on. failed is told what keeps it from running.
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
	var last holder
	for { // on one connection, so that waiting costs a statement now and then
		var mine bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(`+aloneKey+`)`, what).Scan(&mine); err != nil {
			return fmt.Errorf("lock of %s: %w", what, err)
		}
		if mine {
			break
		}
		if last, err = endSilent(ctx, conn, what, last); err != nil {
			return fmt.Errorf("holder of the lock of %s: %w", what, err)
		}
		if !slept(ctx, aloneEvery) {
			return nil
		}
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() { defer close(done); run(running) }()
	if err := hold(context.WithoutCancel(ctx), conn, done); err != nil {
		cancel()
		<-done
		return fmt.Errorf("lock of %s: %w", what, err)
	}
	return nil
}

// hold gives a sign of life each second until done, or until the lock is lost, or may be.
func hold(ctx context.Context, conn *pgx.Conn, done <-chan struct{}) error {
	for heard := time.Now(); ; heard = time.Now() {
		select {
		case <-done:
			return nil
		case <-time.After(alonePing):
		}
		if since := time.Since(heard); since > aloneLost { // frozen: another node may have it, and what runs here does not wait for the word of that
			return fmt.Errorf("this program stood still for %v", since.Round(time.Second))
		}
		ping, cancel := context.WithTimeout(ctx, aloneLost-2*alonePing)
		err := conn.Ping(ping)
		cancel()
		if err != nil {
			return err
		}
	}
}

// aloneKey is the lock of $1.
const aloneKey = `hashtextextended('qiuzhen ' || $1, 0)`

// holder is the connection that holds a lock, as the one that waits for it saw it.
type holder struct {
	pid   int32
	sign  time.Time // of life: when it last began or ended a statement, by the server's clock
	looks int       // in a row that found no other
}

// endSilent looks at the lock's holder, and ends its connection once it gave no sign for aloneLooks looks: looks, since no clock that is stepped, and no
// standstill of the server's or of our own, adds any. Where the server does not tell (track_activities is off), nobody is ended.
func endSilent(ctx context.Context, conn *pgx.Conn, what string, last holder) (holder, error) {
	is := holder{looks: 1}
	err := conn.QueryRow(ctx, `
		SELECT a.pid, a.state_change FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		 WHERE `+aloneLock+` AND a.state_change IS NOT NULL`, what).Scan(&is.pid, &is.sign)
	if errors.Is(err, pgx.ErrNoRows) {
		return holder{}, nil // it ended just now
	}
	if err != nil {
		return holder{}, err
	}
	if is.pid == last.pid && is.sign.Equal(last.sign) {
		is.looks += last.looks
	}
	if is.looks < aloneLooks {
		return is, nil
	}
	_, err = conn.Exec(ctx, `
		SELECT pg_terminate_backend(a.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		 WHERE `+aloneLock+` AND a.pid = $2 AND a.state_change = $3`, what, is.pid, is.sign)
	return holder{}, err
}

// aloneLock is the row l of pg_locks of the lock of $1, held.
const aloneLock = `l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
	AND (l.classid::bigint << 32 | l.objid::bigint) = ` + aloneKey + `
`

// slept waits; false when ctx ended before.
func slept(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
