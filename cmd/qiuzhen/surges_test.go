//go:build !race

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// TestSurgesAtTheTerminal: what many ask is listed with its wordings, and becomes a draft, or somebody's, in one step.
func TestSurgesAtTheTerminal(t *testing.T) {
	app := openBureau(t).app
	(&bureau{app: app}).hire(t, "cli-zhao", "赵编辑", knowledge.Author)
	now := app.engine.Now()
	ask := func(name, message string, at time.Time) {
		t.Helper()
		r, err := app.Store.Reader(t.Context(), "web", name)
		if err != nil {
			t.Fatal(err)
		}
		r.Memory.At = at
		if _, err := app.Store.Keep(t.Context(), bot.Turn{Reader: r, Answered: &bot.Answered{At: at, Message: message, Decision: retrieval.Abstain}}); err != nil {
			t.Fatal(err)
		}
	}
	ask("sensed", "明天要不要上学", now.Add(-48*time.Hour))
	for i := range 9 {
		ask(fmt.Sprint("sensed ", i), "狼山镇的水塔要倒了，快跑，打13812345678", now.Add(-time.Minute))
	}
	if filed, err := app.Store.Sense(t.Context(), now, nil); err != nil || filed != 1 {
		t.Fatal(filed, err)
	}
	surges, err := app.Store.Surges(t.Context(), now, false)
	if err != nil || len(surges) != 1 {
		t.Fatal(surges, err)
	}
	n := fmt.Sprint(surges[0].ID)
	for _, step := range []struct {
		code int
		want string
		args []string
	}{
		{0, "9人问，平时几乎没有\n    “狼山镇的水塔要倒了，快跑，打138****5678”\n    还没有条目；起草：qiuzhen broadcast surges --draft " + n, nil},
		{exitUsage, "--as", []string{"--draft", n}},
		{exitUsage, "one at a time", []string{"--draft", n, "--taken", n}},
		{exitFailed, "没有第999号", []string{"--draft", "999", "--as", "cli-zhao"}},
		{0, "起草了 surge-" + n, []string{"--draft", n, "--as", "cli-zhao"}},
		{0, "已有人起草：surge-" + n, nil},
		{0, "由您处理", []string{"--taken", n, "--as", "cli-zhao"}},
		{0, "没有比平时问得多的事", nil},
		{0, "赵编辑处理", []string{"--all"}},
	} {
		r := runProgram(t, "", append([]string{"--data", filepath.Join(testData, "bureau"), "--set", "embedder=none", "--set", "password=" + staffPassword, "broadcast", "surges"}, step.args...)...)
		if r.code != step.code || !strings.Contains(r.out+r.err, step.want) {
			t.Errorf("%v: exit %d, want %d and %q:\n%s%s", step.args, r.code, step.code, step.want, r.out, r.err)
		}
	}
}
