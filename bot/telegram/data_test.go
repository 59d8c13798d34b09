package telegram_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	engine "qiuzhen/bot"
	"qiuzhen/bot/inbox"
	"qiuzhen/bot/telegram"
	"qiuzhen/bot/telegram/telegramtest"
)

var rewrite = flag.Bool("update", false, "write what happened into testdata")

// TestData: for each file in testdata, the updates of its section in make the calls of its section out. Section replies says what the
// desk answers to which words; all else it repeats. Lines of in that are no update:
//
//	!fail METHOD STATUS [RETRY]   the method's next call fails (status 0: the connection breaks)
//	!lost METHOD                  the method's next call is done, and its answer is lost
//	!refuse CHAT WHY              the chat answers 403
//	!file ID TEXT                 a file
//	!media                        the bot reads media from here on
//	!later DURATION               the clock goes on
func TestData(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no test data", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, section(archive, "in"), section(archive, "replies"))
			if *rewrite {
				setSection(archive, "out", got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if want := section(archive, "out"); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func section(a *txtar.Archive, name string) string {
	for _, f := range a.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

func setSection(a *txtar.Archive, name, data string) {
	a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return f.Name == name })
	a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(data)})
}

// scene plays one file.
type scene struct {
	t     *testing.T
	bot   *telegram.Bot
	api   *telegramtest.Server
	inbox memoryInbox
	gone  readers
	later time.Duration
	out   []string
	calls int
}

func play(t *testing.T, in, replies string) string {
	s := &scene{t: t}
	var address string
	s.bot, s.api, address = open(t, unlimited)
	s.api.Limits = telegramtest.Limits{}
	s.api.Hook(address, secret)
	clock := s.bot.Now
	s.bot.Now = func() time.Time { return clock().Add(s.later) }
	s.bot.Inbox, s.bot.Readers, s.bot.Desk = &s.inbox, &s.gone, s.desk(replies)
	s.bot.Wording = func(_ context.Context, id string) (string, error) {
		return map[string]string{"baijiu-virus": "喝白酒能杀死病毒"}[id], nil
	}
	for line := range strings.Lines(in) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
			continue
		case strings.HasPrefix(line, "!"):
			s.command(strings.Fields(line[1:]))
			continue
		}
		status, err := s.api.Deliver(context.Background(), []byte(line))
		if err != nil || status != 200 {
			s.say("status %d", status)
		}
		s.work()
	}
	return strings.Join(s.out, "\n") + "\n"
}

func (s *scene) say(format string, args ...any) { s.out = append(s.out, fmt.Sprintf(format, args...)) }

func (s *scene) command(words []string) {
	switch words[0] {
	case "fail":
		var f telegramtest.Fault
		fmt.Sscan(strings.Join(words[2:], " "), &f.Status, &f.Retry)
		s.api.Fail(words[1], f)
	case "lost":
		s.api.Fail(words[1], telegramtest.Fault{Done: true})
	case "refuse":
		var chat int64
		fmt.Sscan(words[1], &chat)
		s.api.Refuse(chat, strings.Join(words[2:], " "))
	case "file":
		s.api.AddFile(words[1], []byte(strings.Join(words[2:], " ")))
	case "media":
		s.bot.Media = fileMedia{}
	case "later":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.later += d
	default:
		s.t.Fatalf("unknown command %q", words)
	}
}

// work deals with what was stored, as the inbox's worker does, and writes down the calls.
func (s *scene) work() {
	for _, u := range s.inbox.take() {
		for range 5 {
			err := s.bot.Handle(context.Background(), u)
			var later inbox.Later
			if errors.As(err, &later) {
				s.say("later %v", later.At.Sub(s.bot.Now()).Round(time.Second))
				s.later += later.At.Sub(s.bot.Now())
				continue
			}
			if err == nil {
				break
			}
			s.say("error %v", err)
		}
	}
	calls := s.api.Calls()
	for _, c := range calls[s.calls:] {
		s.say("%s", call(c))
	}
	s.calls = len(calls)
	for _, g := range s.gone.gone {
		s.say("gone %s", g)
	}
	s.gone.gone = nil
}

func call(c telegramtest.Call) string {
	line := c.Method
	if c.Status != 200 {
		line += fmt.Sprintf(" -> %d", c.Status)
	}
	for _, name := range []string{"chat_id", "message_thread_id", "message_id", "callback_query_id", "file_id"} {
		if v, ok := c.Params[name]; ok {
			line += fmt.Sprintf(" %s=%v", name, v)
		}
	}
	if r, ok := c.Params["reply_parameters"].(map[string]any); ok {
		line += fmt.Sprintf(" answers=%v", r["message_id"])
	}
	if text, ok := c.Params["text"].(string); ok {
		line += fmt.Sprintf(" %q", short(text))
	}
	if m, ok := c.Params["reply_markup"].(map[string]any); ok {
		for _, row := range m["inline_keyboard"].([]any) {
			line += " |"
			for _, b := range row.([]any) {
				line += fmt.Sprintf(" [%v %v]", b.(map[string]any)["text"], b.(map[string]any)["callback_data"])
			}
		}
	}
	return line
}

// desk answers what the replies say, and writes down what it is asked.
func (s *scene) desk(replies string) deskFunc {
	known := map[string]struct {
		Text    string
		Repeat  int
		Choices []engine.Choice
		Silent  bool
		Answer  int64
		Fails   bool
	}{}
	if replies != "" {
		if err := json.Unmarshal([]byte(replies), &known); err != nil {
			s.t.Fatal(err)
		}
	}
	return func(m engine.Message) (engine.Reply, error) {
		line := "asked by " + m.Reader
		if m.Group != "" {
			line += " in " + m.Group
		}
		if m.Addressed {
			line += " addressed"
		}
		if m.About != 0 {
			line += fmt.Sprintf(" about %d", m.About)
		}
		s.say("%s %q", line, m.Text)
		r, ok := known[m.Text]
		if r.Fails {
			return engine.Reply{}, errors.New("the database does not answer")
		}
		if !ok {
			r.Text = "答：" + m.Text
		}
		return engine.Reply{Text: strings.Repeat(r.Text, max(r.Repeat, 1)), Choices: r.Choices, Silent: r.Silent, Answer: r.Answer}, nil
	}
}
