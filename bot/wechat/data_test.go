package wechat_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"qiuzhen/bot/wechat"
	"qiuzhen/bot/wechat/wechattest"
)

// TestData plays testdata/*.txtar: what the platform posts, what the reader sees, which calls are made. The first line says what a file
// shows. Sections, in the order in which they happen:
//
//	config   mode plain|safe, service, unverified, slow DURATION (of messages that say 慢), tokens DURATION, nonce same
//	media ID KIND    a file that readers sent
//	fail PATH        errcodes of the next calls
//	post FROM        a message or an event, posted as often as it takes
//	answer           what the reader sees as its answer; empty: nothing
//	sees FROM        all that the reader has seen in the end
//	calls            all calls of the API in the end, one a line
//	posts            how often the last message was posted
func TestData(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) < 12 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			play(t, path)
		})
	}
}

type player struct {
	*stage
	t    *testing.T
	last wechattest.Outcome
}

func play(t *testing.T, path string) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	archive := txtar.Parse([]byte(strings.ReplaceAll(string(data), "NOW", strconv.FormatInt(time.Now().Unix(), 10))))
	if len(archive.Files) == 0 || archive.Files[0].Name != "config" {
		t.Fatal("the first section is not config")
	}
	p := &player{configured(t, string(archive.Files[0].Data)), t, wechattest.Outcome{}}
	for _, f := range archive.Files[1:] {
		p.section(strings.Fields(f.Name), strings.TrimSuffix(string(f.Data), "\n"))
	}
}

func configured(t *testing.T, config string) *stage {
	var safe, service bool
	var slow time.Duration
	var err error
	var options []option
	for line := range strings.Lines(config) {
		switch f := strings.Fields(line); f[0] {
		case "mode":
			safe = f[1] == "safe"
		case "service":
			service = true
		case "unverified":
			options = append(options, func(c *wechattest.Config, _ *wechat.Config) { c.Unverified = true })
		case "slow":
			slow, err = time.ParseDuration(f[1])
			slow = quickly(slow)
		case "tokens":
			var life time.Duration
			life, err = time.ParseDuration(f[1])
			options = append(options, func(c *wechattest.Config, _ *wechat.Config) { c.TokenLife = life })
		case "nonce":
			options = append(options, func(c *wechattest.Config, _ *wechat.Config) { c.SameNonce = true })
		default:
			t.Fatalf("config %q is not known", line)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	s := newStage(t, safe, service, 1, options...)
	s.desk.slow = slow
	return s
}

func (p *player) section(name []string, data string) {
	p.t.Helper()
	switch name[0] {
	case "media":
		p.Put(name[1], name[2], []byte(data))
	case "fail":
		for code := range strings.FieldsSeq(data) {
			n, err := strconv.Atoi(code)
			if err != nil {
				p.t.Fatal(err)
			}
			p.Fail(name[1], n)
		}
	case "post":
		p.last = p.Send(p.t.Context(), p.addr, name[1], data)
		if p.last.Failed {
			p.t.Errorf("the platform told %s that the account is out of order: %s\n%s", name[1], p.last.Why, p.log.text())
		}
	case "answer":
		if p.last.Reply != data {
			p.t.Errorf("answered %q, want %q\n%s", p.last.Reply, data, p.log.text())
		}
	case "posts":
		if fmt.Sprint(p.last.Posts) != data {
			p.t.Errorf("posted %d times, want %s", p.last.Posts, data)
		}
	case "sees":
		p.await("sees", func() []string { return p.Sees(name[1]) }, strings.Split(data, "\n--\n"))
	case "calls":
		p.await("calls", p.Calls, strings.Split(data, "\n"))
	default:
		p.t.Fatalf("section %s is not known", name[0])
	}
}

// await waits for a list to become what it should be, and a little longer, to see whether it stays so.
func (p *player) await(what string, now func() []string, want []string) {
	p.t.Helper()
	if slices.Equal(want, []string{""}) {
		want = nil
	}
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline) && !slices.Equal(now(), want); {
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond)
	if got := now(); !slices.Equal(got, want) {
		p.t.Errorf("%s\n%s\nwant\n%s\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"), p.log.text())
	}
}
