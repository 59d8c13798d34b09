package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/retrieval"
)

// TestLinkAlone: a message that is a link and nothing else is answered from its page, when that can be read.
func TestLinkAlone(t *testing.T) {
	pages := map[string]string{
		"https://example.cn/Baijiu?id=1": "喝白酒可以杀死流感病毒\n今天小编告诉大家，喝高度白酒可以杀死流感病毒，赶紧让家里老人喝起来。",
		"http://www.example.cn/empty":    "\n",
		"http://www.example.cn/danger":   "大爷心口疼得厉害，喘不上气，出冷汗\n隔壁村的大爷昨天心口疼得厉害，喘不上气。",
	}
	engine := *demo(t).engine
	opened := ""
	engine.ReadPage = func(_ context.Context, address string) (string, error) {
		opened = address
		page, ok := pages[address]
		if !ok {
			return "", errors.New("refused")
		}
		return page, nil
	}
	handler := bot.Engine{Answerer: &engine}
	for _, c := range []struct {
		message, opened, entry, says string
	}{
		{"https://example.cn/Baijiu?id=1", "https://example.cn/Baijiu?id=1", "baijiu-kills-virus", "谣言"},
		{"www.example.cn/empty", "http://www.example.cn/empty", "", "把里面的文字复制过来"},
		{"https://10.0.0.1/inside", "https://10.0.0.1/inside", "", "把里面的文字复制过来"},
		{"https://example.cn/Baijiu?id=1 明天下雨吗", "", "", ""}, // words beside it are the question
	} {
		opened = ""
		reply, err := handler.Ask(context.Background(), retrieval.Message{Text: c.message})
		if err != nil {
			t.Fatal(err)
		}
		if opened != c.opened {
			t.Errorf("%s: opened %q, want %q", c.message, opened, c.opened)
		}
		if c.entry != "" && (len(reply.Answers) == 0 || string(reply.Answers[0].ID) != c.entry) {
			t.Errorf("%s: answered with %v, want %s", c.message, shown(reply), c.entry)
		}
		if !strings.Contains(reply.Text, c.says) {
			t.Errorf("%s: %q does not say %q", c.message, reply.Text, c.says)
		}
	}
	// what a page tells of somebody's danger is not the reader's
	reply, err := handler.Ask(context.Background(), retrieval.Message{Text: "http://www.example.cn/danger"})
	if err != nil || reply.Urgent != nil {
		t.Errorf("urgent %+v for a page (%v)", reply.Urgent, err)
	}
}

// TestLinksWait: slow pages take their own few turns; a link beyond them is answered soon, with the words asked for, and a question at once.
func TestLinksWait(t *testing.T) {
	slow, reading := make(chan struct{}), make(chan struct{})
	engine := *demo(t).engine
	engine.ReadPage = limitReads(func(context.Context, string) (string, error) {
		reading <- struct{}{}
		<-slow
		return "喝白酒可以杀死流感病毒\n今天小编告诉大家，喝高度白酒可以杀死流感病毒。", nil
	}, 2, 50*time.Millisecond)
	handler := bot.Engine{Answerer: &engine}
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			reply, err := handler.Ask(context.Background(), retrieval.Message{Text: "https://example.cn/slow"})
			if err != nil || reply.Void != "" || !slices.Contains(shown(reply), "baijiu-kills-virus") {
				t.Errorf("the page that was read: %q (%v)", reply.Text, err)
			}
		})
		<-reading
	}
	reply, err := handler.Ask(context.Background(), retrieval.Message{Text: "https://example.cn/third"})
	if err != nil || reply.Void != retrieval.LinkOnly {
		t.Errorf("a link beyond the turns: %q (%v)", reply.Text, err)
	}
	close(slow)
	readers.Wait()
	go func() { <-reading }()
	if reply, err = handler.Ask(context.Background(), retrieval.Message{Text: "https://example.cn/later"}); err != nil || reply.Void != "" {
		t.Errorf("a turn was not given back: %q (%v)", reply.Text, err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	full := limitReads(nil, 0, time.Minute)
	if _, err := full(cancelled, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("%v for a reader who has left", err)
	}
}
