package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
	"qiuzhen/retrieval"
)

// TestChat: a conversation in the terminal, its follow-ups answered from the entry before.
func TestChat(t *testing.T) {
	demo(t)
	in := "喝白酒能不能杀病毒\n为什么\n那小孩呢\n坏\xff字\n地震了往哪躲"
	r := runProgram(t, in, "--data", testData, "--demo", "chat")
	if r.code != 0 {
		t.Fatalf("exit %d: %s %s", r.code, r.out, r.err)
	}
	rest := r.out
	for _, want := range []string{"“喝白酒杀病毒”是谣言", "\n\n", "来源：", "\n\n", "老人孩子喝", "\n\n", "读不出来", "\n\n", "示范内容"} {
		at := strings.Index(rest, want)
		if at < 0 {
			t.Fatalf("%q is not said where it should be:\n%s", want, r.out)
		}
		rest = rest[at+len(want):]
	}
	if strings.Count(r.out, "是谣言，不要转发") != 1 {
		t.Errorf("为什么 repeats the verdict instead of telling why:\n%s", r.out)
	}
}

// hiccup fails once, at the second question.
type hiccup struct{ asked int }

func (h *hiccup) Answer(context.Context, retrieval.Message) (retrieval.Result, error) {
	if h.asked++; h.asked == 2 {
		return retrieval.Result{}, errors.New("connection reset by peer")
	}
	return retrieval.Result{Decision: retrieval.Abstain}, nil
}

func (h *hiccup) Load(context.Context, []retrieval.Ref) ([]retrieval.Stored, error) { return nil, nil }

// TestChatGoesOn: a database that fails for a moment ends no conversation, and the reader hears no English.
func TestChatGoesOn(t *testing.T) {
	var out bytes.Buffer
	streams := stdio{in: strings.NewReader("鸡蛋能不能吃\n鸭蛋能不能吃\n鹅蛋能不能吃\n"), out: &out, err: &out}
	if err := converse(context.Background(), bot.NewDesk(&bot.Engine{Answerer: &hiccup{}}, &bottest.Store{}, time.Now), streams); err != nil {
		t.Fatal(err)
	}
	replies := strings.Split(strings.TrimSpace(out.String()), "\n\n")
	if len(replies) != 3 || replies[1] != bot.ErrorLine || !strings.Contains(replies[2], "没有查证过") {
		t.Errorf("%q", replies)
	}
}

// TestChatAsServedNow: the next turn asks the database again: with serve_unsigned off a draft is not explained any further.
func TestChatAsServedNow(t *testing.T) {
	app := demo(t)
	engine := *app.engine
	talker := bot.Engine{Answerer: &engine, Words: app.segmenter.Words}
	var conversation bot.Conversation
	for _, turn := range []struct {
		message, says string
		unsigned      bool
	}{
		{"喝白酒能不能杀病毒", "“喝白酒杀病毒”是谣言", true}, {"谢谢", "不用谢", true}, {"那怎么办", "1. 别拿喝酒防病", true},
		{"那小孩呢", "刚才那一条已经撤下", false}, {"为什么", "您说的是哪件事", true},
	} {
		engine.Unsigned = turn.unsigned
		reply, err := talker.Continue(context.Background(), &conversation, retrieval.Message{Text: turn.message}, time.Now())
		if err != nil || !strings.Contains(reply.Text, turn.says) {
			t.Errorf("%s: %q does not say %q (%v)", turn.message, reply.Text, turn.says, err)
		}
	}
}

// TestDangerWhenNobodyCanBeAsked: who speaks of a danger gets the number in the terminal and from the API, when the engine fails and when too many ask.
func TestDangerWhenNobodyCanBeAsked(t *testing.T) {
	const poisoned = "我妈刚喝了农药"
	var out bytes.Buffer
	streams := stdio{in: strings.NewReader("鸡蛋能不能吃\n" + poisoned + "\n"), out: &out, err: &out}
	if err := converse(context.Background(), bot.NewDesk(&bot.Engine{Answerer: &hiccup{}}, &bottest.Store{}, time.Now), streams); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "120") || strings.Contains(out.String(), bot.ErrorLine) {
		t.Errorf("in the terminal: %q", out.String())
	}
	log := slog.New(slog.DiscardHandler)
	for name, a := range map[string]*api{
		"too many ask":     {make(chan struct{}), &bot.Engine{Answerer: &hiccup{}}, nil, log},
		"the engine fails": {make(chan struct{}, 1), &bot.Engine{Answerer: &hiccup{asked: 1}}, nil, log},
	} {
		for text, status := range map[string]int{poisoned: 200, "鸡蛋能不能吃": 503} {
			if h, ok := a.bot.Answerer.(*hiccup); ok && h.asked > 1 {
				h.asked = 1
			}
			w := httptest.NewRecorder()
			a.ask(w, httptest.NewRequest("POST", "/api/v1/ask", strings.NewReader(`{"text":"`+text+`"}`)))
			var got struct {
				Urgent *struct{ Number string }
				Text   string
			}
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code != status || (got.Urgent != nil && strings.Contains(got.Text, "120")) != (status == 200) {
				t.Errorf("%s, %s: %d %s", name, text, w.Code, w.Body)
			}
		}
	}
}
