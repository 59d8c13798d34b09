package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/jackc/pgx/v5"

	"qiuzhen/postgres"
	"qiuzhen/postgres/cluster"
)

type dbCommand struct {
	Backup  backupCommand  `cmd:"" help:"Write the whole database to one file, while it is in use."`
	Restore restoreCommand `cmd:"" help:"Restore a backup into an empty database."`
	Psql    psqlCommand    `cmd:"" help:"Open psql on the database; arguments after -- go to it."`
}

// database is the address of the database, with the private server held open where there is one.
type database struct {
	settings *settings
	config   *pgx.ConnConfig
	dsn      string
	cluster  *cluster.Cluster
	bin      string
}

func openDatabase(ctx context.Context, c *cli, streams stdio) (*database, error) {
	s, err := c.settings(streams)
	if err != nil {
		return nil, err
	}
	p := s.parts()
	d := &database{settings: s, dsn: s.get("database_url"), bin: p.PostgresBin}
	if d.dsn == "" {
		if err := s.makeDataDir(); err != nil {
			return nil, err
		}
		if d.cluster, err = cluster.Open(ctx, s.clusterConfig(p)); err != nil {
			return nil, err
		}
		if d.dsn, err = ensureDatabase(ctx, d.cluster); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	if d.config, err = pgx.ParseConfig(d.dsn); err != nil {
		return nil, errors.Join(errors.New("DATABASE_URL cannot be parsed (expected postgres://user@host:5432/database)"), d.Close())
	}
	return d, nil
}

func (d *database) Close() error {
	if d.cluster == nil {
		return nil
	}
	return d.cluster.Close(context.Background())
}

// command runs one of Postgres's programs on the database. The address goes through the environment, since
// everybody on the machine can read a process's arguments.
func (d *database) command(ctx context.Context, streams stdio, name string, args ...string) *exec.Cmd {
	path := filepath.Join(d.bin, name)
	if own, err := exec.LookPath(name); err == nil && d.cluster == nil {
		path = own // a system's server goes with the system's client, which can speak TLS
	}
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // a program of the pinned Postgres
	cmd.Env = append(os.Environ(),
		"PGHOST="+d.config.Host, "PGPORT="+strconv.Itoa(int(d.config.Port)), "PGUSER="+d.config.User,
		"PGPASSWORD="+d.config.Password, "PGDATABASE="+d.config.Database)
	for name, env := range map[string]string{"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"} {
		if m := regexp.MustCompile(`\b` + name + `=([^&\s]+)`).FindStringSubmatch(d.dsn); m != nil {
			cmd.Env = append(cmd.Env, env+"="+m[1])
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = streams.in, streams.out, streams.err
	return cmd
}

type backupCommand struct {
	File string `arg:"" help:"The file to write; it must not exist yet."`
}

func (b backupCommand) Run(ctx context.Context, c *cli, streams stdio) (err error) {
	if _, err := os.Lstat(b.File); err == nil {
		return usageError{fmt.Errorf("%s exists already; name another file", b.File)}
	}
	d, err := openDatabase(ctx, c, streams)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	err = createWhole(b.File, func(partial *os.File) error {
		if err := d.command(ctx, stdio{out: partial, err: streams.err}, "pg_dump", "--format=custom", "--no-owner").Run(); err != nil {
			return fmt.Errorf("pg_dump: %w; nothing was written", err)
		}
		return d.checkBackup(ctx, partial.Name(), streams)
	})
	if err != nil {
		return err
	}
	info, err := os.Stat(b.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(streams.out, "wrote %s, %.1f MB; restore it with: qiuzhen --data DIR db restore %s\n", b.File, float64(info.Size())/1e6, b.File)
	return nil
}

// checkBackup unpacks a backup once and throws it away: what is cut off or broken is found now and not when it is needed.
func (d *database) checkBackup(ctx context.Context, file string, streams stdio) error {
	if err := d.command(ctx, stdio{out: io.Discard, err: streams.err}, "pg_restore", "--file=-", file).Run(); err != nil {
		return fmt.Errorf("the backup cannot be read back: %w; nothing was written", err)
	}
	return nil
}

type restoreCommand struct {
	File string `arg:"" help:"A file that db backup wrote."`
}

func (r restoreCommand) Run(ctx context.Context, c *cli, streams stdio) (err error) {
	if _, err := os.Stat(r.File); err != nil {
		return usageError{fmt.Errorf("cannot read the backup: %w", err)}
	}
	d, err := openDatabase(ctx, c, streams)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	empty, err := postgres.IsEmpty(ctx, d.dsn)
	if err != nil {
		return err
	}
	if !empty {
		return usageError{errors.New("the database is not empty and a restore would overwrite it; name an empty folder with --data DIR, or an empty DATABASE_URL")}
	}
	cmd := d.command(ctx, streams, "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--dbname="+d.config.Database, r.File)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("pg_restore: %w; the database is as empty as before", err)
	}
	if err := postgres.GatherStatistics(ctx, d.dsn); err != nil {
		return fmt.Errorf("restored, but the statistics are missing: %w; run: qiuzhen db psql -- -c 'VACUUM (ANALYZE)'", err)
	}
	fmt.Fprintf(streams.out, "restored %s\n", r.File)
	return nil
}

type psqlCommand struct {
	Args []string `arg:"" optional:"" passthrough:"" help:"Arguments for psql."`
}

func (p psqlCommand) Run(ctx context.Context, c *cli, streams stdio) (err error) {
	d, err := openDatabase(ctx, c, streams)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	args := p.Args
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	return d.command(ctx, streams, "psql", args...).Run()
}
