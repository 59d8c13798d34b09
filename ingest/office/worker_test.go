package office_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"qiuzhen/ingest/office"
	"qiuzhen/ingest/officetest"
	"qiuzhen/ingest/read"
)

// TestMain lets the test's own binary be the child process: a good one, or one that misbehaves as its first argument says.
func TestMain(m *testing.M) {
	if len(os.Args) < 3 || !strings.HasPrefix(os.Args[2], "--mode=") {
		os.Exit(m.Run())
	}
	switch os.Args[1] {
	case "slow", "read":
		if os.Args[1] == "slow" && os.Args[2] == "--mode=read" && !strings.HasSuffix(os.Args[3], ".zip") {
			time.Sleep(200 * time.Millisecond)
		}
		o := read.Options{Mode: strings.TrimPrefix(os.Args[2], "--mode="), Name: strings.TrimPrefix(os.Args[3], "--name=")}
		if err := read.Main(o, os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "hog":
		var all [][]byte
		for {
			block := make([]byte, 8<<20)
			for i := range block {
				block[i] = byte(i)
			}
			all = append(all, block)
			time.Sleep(time.Duration(len(all)) * 100 * time.Microsecond)
		}
	case "sleep":
		time.Sleep(time.Minute)
	case "flood":
		for {
			if _, err := io.WriteString(os.Stdout, strings.Repeat("x", 1<<20)); err != nil {
				os.Exit(1)
			}
		}
	case "crash":
		panic("fell over")
	case "environment":
		fmt.Printf(`{"document": {"title": "%d"}}`, len(os.Environ()))
	case "nonsense":
		fmt.Print("{{{")
	}
	os.Exit(0)
}

func worker(t *testing.T, kind string) *office.Worker {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return &office.Worker{Command: []string{own, kind}, Memory: 256 << 20, Time: 3 * time.Second}
}

// TestWorkerSurvivesItsChild: whatever the child does, the parent has one line and goes on.
func TestWorkerSurvivesItsChild(t *testing.T) {
	for kind, want := range map[string]string{
		"hog": "内存超过 256 MB", "sleep": "3 秒还没有读完", "flood": "内容太多", "crash": "fell over", "nothing": "",
	} {
		t.Run(kind, func(t *testing.T) {
			start := time.Now()
			w := worker(t, kind)
			if kind == "hog" { // a busy machine takes its time to fill the memory
				w.Time = 15 * time.Second
			}
			_, err := w.Read(context.Background(), "a.txt", []byte("一"))
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func TestWorkerGivesNoEnvironment(t *testing.T) {
	t.Setenv("QIUZHEN_SECRET", "x")
	d, err := worker(t, "environment").Read(context.Background(), "a.txt", []byte("一"))
	if err != nil || d.Title != "0" && d.Title != "1" { // the race detector's runtime may set one
		t.Errorf("%+v, %v", d, err)
	}
}

func TestWorkerStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := worker(t, "sleep").Read(ctx, "a.txt", []byte("一")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestWorkerUnpacks(t *testing.T) {
	z := officetest.ZIP(
		officetest.Part{Name: string(officetest.GB18030("饮水/指南.txt")), Data: []byte("一")},
		officetest.Part{Name: "../../up.txt", Data: []byte("二二")}, officetest.Part{Name: `win\dows.txt`, Data: nil})
	w := worker(t, "read")
	w.Memory, w.Time = 0, 0
	var got []string
	err := w.Unpack(context.Background(), "a.zip", z, func(name string, size int64, r io.Reader) error {
		body, err := io.ReadAll(r)
		got = append(got, fmt.Sprintf("%s %d %s", name, size, body))
		return err
	})
	if want := "饮水/指南.txt 3 一|up.txt 6 二二|win/dows.txt 0 "; err != nil || strings.Join(got, "|") != want {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := w.Read(context.Background(), "a.zip", z); !errors.Is(err, office.ErrArchive) {
		t.Errorf("a ZIP reads as %v", err)
	}
}
