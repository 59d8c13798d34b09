package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"qiuzhen/content"
	"qiuzhen/ingest"
	"qiuzhen/text"
)

// ingestEntries is how many entries BenchmarkIngest10000 stores; INGEST_ENTRIES says another number.
const ingestEntries = 10_000

// BenchmarkIngest10000 stores entries varied from the starter pack with the real binary, kills it with SIGKILL half-way and lets the next run go
// on. passages/s is over both runs, start and reading of the files included; of-bare compares it with the bare model's rate on every 50th entry's
// passages, taken before, between and after. peak-MB is the program's VmHWM, growth the resident memory at the end of a run against that at its
// beginning, when the files have been read.
func BenchmarkIngest10000(b *testing.B) {
	n := ingestEntries
	if s := os.Getenv("INGEST_ENTRIES"); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		m := &manyIngest{b: b, source: b.TempDir(), data: dataDir(b), entries: n}
		m.write()
		m.bare()
		m.run(n / 2)
		if stored := checkWhole(b, m.data, n); stored < n/2 || stored >= n {
			b.Errorf("%d of %d entries are there after the kill", stored, n)
		}
		m.bare()
		m.run(n)
		if stored := checkWhole(b, m.data, n); stored != n {
			b.Errorf("%d of %d entries are there in the end", stored, n)
		}
		m.bare()
		m.report()
		os.RemoveAll(m.data)
	}
}

type manyIngest struct {
	b            *testing.B
	source, data string
	entries      int
	passages     int
	sample       []string // texts for the bare model
	took         time.Duration
	bareTook     time.Duration
	bareTexts    int
	peak         int // kB
	growth       float64
}

var (
	idLine   = regexp.MustCompile(`(?m)^id: .*$`)
	itemLine = regexp.MustCompile(`(?m)^  - ([^{\n]+)$`)
)

// write makes the files: each an entry of the pack under another id, its wordings with a tail of their own.
func (m *manyIngest) write() {
	files, err := ingest.ReadFS(content.FS, ".")
	if err != nil {
		m.b.Fatal(err)
	}
	var sample []ingest.File
	for i := range m.entries {
		f := files[i%len(files)]
		name := strings.TrimSuffix(filepath.Base(f.Name), ".md")
		id := fmt.Sprintf("%s-v%05d", name[:min(len(name), 50)], i)
		head, body, _ := bytes.Cut(f.Data[4:], []byte("\n---\n"))
		claims, rest, _ := bytes.Cut(head, []byte("\nsummary:"))
		claims = idLine.ReplaceAll(claims, []byte("id: "+id))
		claims = itemLine.ReplaceAllFunc(claims, func(line []byte) []byte { return varied(line, i) })
		data := fmt.Appendf(nil, "---\n%s\nsummary:%s\n---\n%s", claims, rest, body)
		path := filepath.Join(m.source, filepath.Base(filepath.Dir(f.Name)), id+".md")
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			m.b.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			m.b.Fatal(err)
		}
		if i%50 == 0 {
			sample = append(sample, ingest.File{Name: path, Data: data})
		}
	}
	entries, complaints := ingest.Lint(sample)
	if len(complaints) > 0 {
		m.b.Fatal(complaints[0])
	}
	for _, e := range entries {
		for _, p := range ingest.Passages(e) {
			m.sample = append(m.sample, text.Normalize(p.Text))
		}
	}
	m.passages = len(m.sample) * m.entries / len(entries)
}

// varied gives a wording a tail, inside its quotes where it has them.
func varied(line []byte, i int) []byte {
	tail := fmt.Sprintf("，%s第%d组", []string{"张庄", "李家沟", "王村", "东街", "河西"}[i%5], i)
	line = bytes.TrimRight(line, " ")
	if last := line[len(line)-1]; last == '"' || last == '\'' {
		return append(append(line[:len(line)-1:len(line)-1], tail...), last)
	}
	return append(line[:len(line):len(line)], tail...)
}

// bare runs the model alone on a third of the sample.
func (m *manyIngest) bare() {
	s, err := loadSettings(m.data, nil)
	if err != nil {
		m.b.Fatal(err)
	}
	model, err := openModel(s, s.parts())
	if err != nil {
		m.b.Fatal(err)
	}
	defer model.Close()
	texts := m.sample[:len(m.sample)/3]
	start := time.Now()
	if _, err := model.Embed(context.Background(), texts); err != nil {
		m.b.Fatal(err)
	}
	m.bareTook += time.Since(start)
	m.bareTexts += len(texts)
}

// run ingests, and kills the program once so many entries are there.
func (m *manyIngest) run(until int) {
	cmd := program(m.b, "--data", m.data, "ingest", m.source)
	var notes strings.Builder
	cmd.Stderr, cmd.Stdout = &notes, io.Discard
	start := time.Now()
	if err := cmd.Start(); err != nil {
		m.b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	first, last := 0, 0
	for tick := time.NewTicker(500 * time.Millisecond); ; {
		select {
		case err := <-ended:
			if err != nil {
				m.b.Fatalf("%v\n%s", err, notes.String())
			}
		case <-tick.C:
			stored, err := countVersions(context.Background(), m.data)
			if now := m.memory(cmd); now > 0 && err == nil && stored > 0 {
				if last = now; first == 0 {
					first = now
				}
			}
			if err != nil || stored < until || until == m.entries {
				continue
			}
			_ = cmd.Process.Kill()
			<-ended
		}
		tick.Stop()
		break
	}
	m.took += time.Since(start)
	if first > 0 {
		m.growth = max(m.growth, float64(last)/float64(first))
	}
}

// memory is the resident size in kB, and notes the peak; 0 when the program has ended.
func (m *manyIngest) memory(cmd *exec.Cmd) (kb int) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); len(f) > 1 && (f[0] == "VmHWM:" || f[0] == "VmRSS:") {
			n, _ := strconv.Atoi(f[1])
			if f[0] == "VmRSS:" {
				kb = n
			} else {
				m.peak = max(m.peak, n)
			}
		}
	}
	return kb
}

func (m *manyIngest) report() {
	rate, bare := float64(m.passages)/m.took.Seconds(), float64(m.bareTexts)/m.bareTook.Seconds()
	m.b.ReportMetric(rate, "passages/s")
	m.b.ReportMetric(bare, "bare/s")
	m.b.ReportMetric(rate/bare, "of-bare")
	m.b.ReportMetric(float64(m.peak)/1024, "peak-MB")
	m.b.ReportMetric(m.growth, "growth")
}
