package main

import (
	"strings"
	"testing"
)

// TestChat: a conversation in the terminal, its follow-ups answered from the entry before.
func TestChat(t *testing.T) {
	demo(t)
	in := "喝白酒能不能杀病毒\n为什么\n那小孩呢\n坏\xff字\n地震了往哪躲"
	r := runProgram(t, in, "--data", testData, "--demo", "chat")
	replies := strings.Split(strings.TrimSpace(r.out), "\n\n")
	if r.code != 0 || len(replies) != 5 {
		t.Fatalf("exit %d, %d replies: %s %s", r.code, len(replies), r.out, r.err)
	}
	for i, want := range []string{"“喝白酒杀病毒”是谣言", "来源：", "老人孩子喝", "读不出来", "示范内容"} {
		if !strings.Contains(replies[i], want) {
			t.Errorf("reply %d does not say %q:\n%s", i+1, want, replies[i])
		}
	}
	if strings.Contains(replies[1], "是谣言，不要转发") {
		t.Errorf("为什么 repeats the verdict instead of telling why:\n%s", replies[1])
	}
}
