package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"qiuzhen/bot"
	"qiuzhen/retrieval"
)

// testData is the data folder of the package's tests, filled with the embedded content by the first that needs it. scripts/test names one,
// so that its runs with and without the race detector fill it once.
var testData = os.Getenv("QIUZHEN_TEST_DATA")

func TestMain(m *testing.M) {
	if factor := os.Getenv(pushFactor); factor != "" { // the program of BenchmarkPush
		raiseTelegram(factor)
		main()
	}
	if len(os.Args) > 1 && os.Args[1] == "read-document" { // the child process of an ingest run in this process
		os.Exit(run(context.Background(), os.Args[1:], stdio{os.Stdin, os.Stdout, os.Stderr}))
	}
	own := testData == ""
	if own {
		if err := makeTestData(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	for _, name := range []string{"DATABASE_URL", "QIUZHEN_DATA"} {
		os.Unsetenv(name)
	}
	code := m.Run()
	if demoApp.app != nil {
		demoApp.app.Close()
	}
	closeBureau()
	if own {
		os.RemoveAll(testData)
	}
	os.Exit(code)
}

func makeTestData() (err error) {
	if testData, err = os.MkdirTemp("", "qiuzhen-cmd-"); err != nil {
		return err
	}
	return os.Chmod(testData, 0o755) //nolint:gosec // the server's user must pass through it
}

var demoApp struct {
	sync.Mutex
	app *App
}

// demo returns the program on the demo's content, shared by the tests that only ask.
func demo(t testing.TB) *App {
	t.Helper()
	demoApp.Lock()
	defer demoApp.Unlock()
	if demoApp.app == nil {
		var notes bytes.Buffer
		app, err := openApp(context.Background(), &cli{Data: testData, Demo: true}, stdio{err: &notes})
		if err != nil {
			t.Fatalf("the demo does not open: %v\n%s", err, notes.String())
		}
		demoApp.app = app
	}
	return demoApp.app
}

func ask(t testing.TB, message string) bot.Reply {
	t.Helper()
	reply, err := demo(t).Bot.Ask(context.Background(), retrieval.Message{Text: message})
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// result of running the program in this process.
type result struct {
	code     int
	out, err string
}

func runProgram(t testing.TB, stdin string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(context.Background(), args, stdio{strings.NewReader(stdin), &out, &errs})
	return result{code, out.String(), errs.String()}
}

var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(testData, "qiuzhen-under-test")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput() //nolint:gosec // builds this package
	if err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})

// program is the real binary as a process of its own, to be killed.
func program(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(path, args...) //nolint:gosec // the binary under test
}

var servedAt = regexp.MustCompile(`address=(http://[0-9.:]+)`)

func serveAddress(t testing.TB, stderr io.Reader) string {
	scanner := bufio.NewScanner(stderr)
	for scanner.Scan() {
		if m := servedAt.FindStringSubmatch(scanner.Text()); m != nil {
			go func() { _, _ = io.Copy(io.Discard, stderr) }()
			return m[1]
		}
	}
	t.Fatal("serve ended without an address")
	return ""
}

// post asks a served program and returns the status.
func post(t testing.TB, address, message string) int {
	t.Helper()
	response, err := http.Post(address+"/api/v1/ask", "application/json", strings.NewReader(fmt.Sprintf(`{"text": %q}`, message))) //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}
