package postgres_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// aloneChild is the first argument of the test's own binary as a program that runs something alone (TestMain).
const aloneChild = "run-alone"

// runAlone tells when it runs, each tenth of a second that it does, and when it was told to stop.
func runAlone(dsn string) error {
	store, err := postgres.Open(context.Background(), dsn)
	if err != nil {
		return err
	}
	defer store.Close()
	store.Alone(context.Background(), "telegram", func(ctx context.Context) {
		fmt.Println("runs")
		for ctx.Err() == nil {
			select {
			case <-time.After(100 * time.Millisecond):
				fmt.Println("works")
			case <-ctx.Done():
			}
		}
		fmt.Println("stopped")
	}, func(error) {})
	return nil
}

// TestFrozenNode: a node that is frozen, its connection with it, keeps the others waiting for 15 seconds and no longer; when it goes on it stops at once, and
// takes over in its turn. One that works is left alone meanwhile.
func TestFrozenNode(t *testing.T) {
	dsn := postgrestest.DSN(t)
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(own, aloneChild, dsn)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	said := make(chan string, 10000)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said <- lines.Text()
		}
		close(said)
	}()
	// until reads on to a line, and tells how many others came before
	until := func(want string, most time.Duration) (before int) {
		t.Helper()
		for end := time.After(most); ; before++ {
			select {
			case line, ok := <-said:
				if !ok {
					t.Fatalf("it ended without %q", want)
				} else if line == want {
					return before
				}
			case <-end:
				t.Fatalf("no %q within %v", want, most)
			}
		}
	}
	until("runs", 20*time.Second)
	store, err := postgres.Open(t.Context(), dsn)
	must(t, err)
	t.Cleanup(store.Close)
	here, stop := context.WithCancel(t.Context())
	began, ended := make(chan time.Time, 1), make(chan struct{})
	go func() {
		defer close(ended)
		store.Alone(here, "telegram", func(ctx context.Context) { began <- time.Now(); <-ctx.Done() }, func(error) {})
	}()
	var works atomic.Int32
	for range 2 { // one works, one waits for it
		beside, err := postgres.Open(t.Context(), dsn)
		must(t, err)
		t.Cleanup(beside.Close)
		go beside.Alone(here, "wechat", func(ctx context.Context) { works.Add(1); <-ctx.Done() }, func(error) {})
	}
	must(t, cmd.Process.Signal(syscall.SIGSTOP))
	frozen := time.Now()
	select {
	case at := <-began:
		if after := at.Sub(frozen); after < 10*time.Second {
			t.Errorf("taken over after %v, before the frozen one would have given up", after)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("nobody took over from the frozen one within 30 seconds")
	}
	time.Sleep(2 * time.Second) // the two beside began later
	if n := works.Load(); n != 1 {
		t.Errorf("of two that nothing froze %d worked", n)
	}
	for len(said) > 0 { // what it said before
		<-said
	}
	must(t, cmd.Process.Signal(syscall.SIGCONT))
	if n := until("stopped", 2*time.Second); n > 3 {
		t.Errorf("it worked %d times more", n)
	}
	stop()
	<-ended
	until("runs", 5*time.Second)
}
