package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"qiuzhen/sensing"
)

// Jobs are what the program does without being asked: River jobs in the same database, so that they survive a kill and run once however many
// programs are up.
type Jobs struct {
	Now      func() time.Time // decides what is due; when a job runs is the real clock's matter
	Log      *slog.Logger
	Embedder sensing.Embedder // nil: topics are told apart by their characters alone
}

const (
	// remindEvery is how often reviewers are looked for; a reminder comes at most so much later than its day.
	remindEvery = time.Hour
	// jobConnections: one listens for new jobs, one keeps the leadership, one works. They are apart from the readers' so that a job never
	// takes a connection that an answer waits for.
	jobConnections = 3
	// jobGrace is how long a job under way may go on when the program stops.
	jobGrace = 5 * time.Second
)

// StartJobs runs the jobs until the function that it returns is called, which waits until all of it has stopped.
func (s *Store) StartJobs(ctx context.Context, j Jobs) (stop func(), err error) {
	config := s.pool.Config()
	config.AfterConnect, config.MaxConns, config.MinConns = nil, jobConnections, 0 // no vectors here
	ctx = context.WithoutCancel(ctx)                                               // the pool and the client end by stop alone
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect the jobs to the database: %w", redact(err))
	}
	client, err := river.NewClient(riverpgxv5.New(pool), j.config(s))
	if err == nil {
		err = client.Start(ctx)
	}
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("start the jobs: %w", err)
	}
	return func() {
		if err := client.Stop(ctx); err != nil {
			j.Log.Warn("jobs did not stop well", "error", err)
		}
		pool.Close()
	}, nil
}

func (j Jobs) config(s *Store) *river.Config {
	workers := river.NewWorkers()
	river.AddWorker(workers, &remindWorker{store: s, now: j.Now})
	river.AddWorker(workers, &senseWorker{store: s, now: j.Now, embedder: j.Embedder})
	return &river.Config{
		Logger: j.Log, Workers: workers, SoftStopTimeout: jobGrace,
		Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 2}},
		// on start too: a program that is only up for minutes a day reminds all the same
		PeriodicJobs: []*river.PeriodicJob{river.NewPeriodicJob(river.PeriodicInterval(remindEvery),
			func() (river.JobArgs, *river.InsertOpts) { return remindArgs{}, nil }, &river.PeriodicJobOpts{ID: "remind_reviewers", RunOnStart: true}),
			river.NewPeriodicJob(river.PeriodicInterval(sensing.Every),
				func() (river.JobArgs, *river.InsertOpts) { return senseArgs{}, &river.InsertOpts{MaxAttempts: 1} }, &river.PeriodicJobOpts{ID: "sense_questions", RunOnStart: true})},
	}
}

// remindArgs is the job of FileReminders.
type remindArgs struct{}

func (remindArgs) Kind() string { return "remind_reviewers" }

type remindWorker struct {
	river.WorkerDefaults[remindArgs]
	store *Store
	now   func() time.Time
}

// Work files what is due. A job that failed is tried again; what it had filed stays filed.
func (w *remindWorker) Work(ctx context.Context, _ *river.Job[remindArgs]) error {
	_, err := w.store.FileReminders(ctx, w.now())
	return err
}

// senseArgs is the job of Sense. It is not tried again: the next one comes in minutes and does it all.
type senseArgs struct{}

func (senseArgs) Kind() string { return "sense_questions" }

type senseWorker struct {
	river.WorkerDefaults[senseArgs]
	store    *Store
	now      func() time.Time
	embedder sensing.Embedder
}

// Work sorts what was asked and files surges.
func (w *senseWorker) Work(ctx context.Context, _ *river.Job[senseArgs]) error {
	_, err := w.store.Sense(ctx, w.now(), w.embedder)
	return err
}

// migrateJobs brings River's tables up to date beside ours. River runs each of its migrations in a transaction of its own, since some
// build on the commit of another; a lock lets programs that start at once wait for each other.
func migrateJobs(ctx context.Context, dsn string) (err error) {
	config, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return fmt.Errorf("DATABASE_URL is not a connection string: %w", redact(err))
	}
	config.MaxConns = 2 // the lock's and River's
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", redact(err))
	}
	defer pool.Close()
	var schema string // named, since River would find the tables of any schema on the path
	if err := pool.QueryRow(ctx, `SELECT current_schema()`).Scan(&schema); err != nil {
		return fmt.Errorf("schema of the jobs: %w", redact(err))
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler), Schema: schema})
	if err != nil {
		return err
	}
	if done, err := migrator.ExistingVersions(ctx); err != nil || len(done) == len(migrator.AllVersions()) {
		return err
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, jobsLock); err != nil {
		return fmt.Errorf("migration lock of the jobs: %w", err)
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	_, unlock := conn.Exec(ctx, `SELECT pg_advisory_unlock($1)`, jobsLock)
	if err = errors.Join(err, unlock); err != nil {
		return fmt.Errorf("migrate the tables of the jobs: %w", err)
	}
	return nil
}

// jobsLock is "qz jobs" in ASCII; goose takes another.
const jobsLock int64 = 0x717a206a6f6273

// JobsVersion is the number of River's migrations that this program brings along.
func JobsVersion() int {
	migrator, err := rivermigrate.New(riverpgxv5.New(nil), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		panic("postgres: River's own migrations: " + err.Error())
	}
	return len(migrator.AllVersions())
}
