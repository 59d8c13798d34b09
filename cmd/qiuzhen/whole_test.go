package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qiuzhen/postgres"
)

// dataDir is a folder that the server's user can reach.
func dataDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp(testData, "data-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the server's user must pass through it
		t.Fatal(err)
	}
	return dir
}

// checkWhole opens the data folder's store: every version there has all its passages, each with its vector, and the
// statistics are those of a recount.
func checkWhole(t testing.TB, data string, entries int) int {
	t.Helper()
	ctx := context.Background()
	s, err := loadSettings(data, nil)
	if err != nil {
		t.Fatal(err)
	}
	app, err := newApp(ctx, s)
	if err != nil {
		t.Fatalf("the data folder does not open again: %v", err)
	}
	defer app.Close()
	broken, stored, err := app.Store.CheckWhole(ctx, app.modelID())
	if err != nil {
		t.Fatal(err)
	}
	if len(broken) > 0 {
		t.Errorf("half there: %v", broken)
	}
	if stored > entries {
		t.Errorf("%d versions of %d entries", stored, entries)
	}
	return stored
}

// countVersions joins a server that is running already; it never starts one.
func countVersions(ctx context.Context, data string) (int, error) {
	socket, err := socketOf(data)
	if err != nil {
		return 0, err
	}
	return postgres.CountVersions(ctx, fmt.Sprintf("host=%s user=qiuzhen dbname=%s", socket, databaseName))
}

// socketOf reads the socket's folder from the fifth line of the server's pid file.
func socketOf(data string) (string, error) {
	lines, err := postmasterFile(data)
	if err != nil || len(lines) < 5 || lines[4] == "" {
		return "", fmt.Errorf("no server yet: %w", os.ErrNotExist)
	}
	return lines[4], nil
}

func postmasterFile(data string) ([]string, error) {
	pid, err := os.ReadFile(filepath.Join(data, "postgres", "postmaster.pid")) //nolint:gosec // a test's folder
	return strings.Split(string(pid), "\n"), err
}
