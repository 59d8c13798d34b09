// Package postgrestest gives tests a real, migrated database each, cloned from a template in tens of milliseconds
// on a throwaway server that all test processes share.
package postgrestest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io/fs"
	"log"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/peterldowns/pgtestdb"

	"qiuzhen/migrations"
	"qiuzhen/parts"
	"qiuzhen/postgres"
	"qiuzhen/postgres/cluster"
)

var shared struct {
	sync.Mutex
	cluster *cluster.Cluster
}

// Main runs a package's tests and leaves the shared server, which the last process stops. Use it as TestMain.
func Main(m *testing.M) {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster != nil {
		if err := shared.cluster.Close(context.Background()); err != nil {
			log.Println("close the test server:", err)
		}
	}
	os.Exit(code)
}

// memory is where files are kept in memory, and room what must be left there in bytes for the server to be.
const (
	memory = "/dev/shm"
	room   = 4 << 30
)

// folder is where the server's data folder is: in memory where there is room, since hundreds of databases are made and dropped, of 300 files each,
// which takes a quarter of the time there.
func folder() string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < room { //nolint:gosec // a block has a size
		return os.TempDir()
	}
	return memory
}

// server starts or joins the test server.
func server(t testing.TB) *cluster.Cluster {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil {
		c, err := cluster.Open(context.Background(), cluster.Config{
			BinDir:    parts.Locate(parts.FromEnvironment()).PostgresBin,
			DataDir:   filepath.Join(folder(), fmt.Sprintf("qiuzhen-test-%d", os.Geteuid()), "postgres"),
			Throwaway: true,
		})
		if err != nil {
			t.Fatalf("the test server does not start: %v", err)
		}
		shared.cluster = c
	}
	return shared.cluster
}

// DSN returns the address of a new, migrated database that is dropped after the test.
func DSN(t testing.TB) string {
	t.Helper()
	socket := server(t).SocketDir()
	config := pgtestdb.Custom(t, pgtestdb.Config{
		DriverName: copying, Host: "localhost", Port: "5432", User: "qiuzhen", Password: "unused", Database: "postgres",
		Options:                   "host=" + url.QueryEscape(socket) + "&sslmode=disable",
		TestRole:                  &pgtestdb.Role{Username: "qiuzhen_test", Password: "unused", Capabilities: "SUPERUSER"},
		ForceTerminateConnections: true,
	}, migrator{})
	return config.URL()
}

// New returns a store on a database of its own.
func New(t testing.TB) *postgres.Store {
	t.Helper()
	store, err := postgres.Open(context.Background(), DSN(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(store.Close)
	return store
}

// migrator builds the template once for each state of the migrations.
type migrator struct{}

func (migrator) Hash() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, "jobs", postgres.JobsVersion())
	files, err := fs.Glob(migrations.FS, "*.sql")
	for _, f := range files {
		data, err := migrations.FS.ReadFile(f)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d %s", f, len(data), data)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

func (migrator) Migrate(ctx context.Context, _ *sql.DB, config pgtestdb.Config) error {
	return postgres.Migrate(ctx, config.URL())
}
