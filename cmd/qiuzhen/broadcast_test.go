//go:build !race

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// TestBroadcastAtTheTerminal walks a broadcast through its life with two people: what each is told, what is refused, and with which exit code.
func TestBroadcastAtTheTerminal(t *testing.T) {
	app := openBureau(t).app
	data := filepath.Join(testData, "bureau")
	(&bureau{app: app}).hire(t, "cli-wang", "王编辑", knowledge.Author, knowledge.Publisher)
	(&bureau{app: app}).hire(t, "cli-li", "李发布", knowledge.Publisher)
	program := func(code int, expected string, args ...string) string {
		t.Helper()
		r := runProgram(t, "", append([]string{"--data", data, "--set", "embedder=none", "--set", "password=" + staffPassword, "broadcast"}, args...)...)
		if r.code != code || !strings.Contains(r.out+r.err, expected) {
			t.Fatalf("%v: exit %d, want %d and %q:\n%s%s", args, r.code, code, expected, r.out, r.err)
		}
		return r.out
	}
	first := program(0, "还有空没填", "draft", "--as", "cli-wang", "--template", "flood", "--fill", "哪里=如东县", "--area", "320623")
	for _, says := range []string{"【演练】", "【演练】如东县要涨水", "现在发会到0个接收方", "演练组里没有人符合", "起草  王编辑（command broadcast draft"} {
		if !strings.Contains(first, says) {
			t.Errorf("the draft does not say %s:\n%s", says, first)
		}
	}
	var list []broadcast.JSON
	listed := program(0, `"exercise":true`, "status", "--json", "--state", "draft")
	if err := json.Unmarshal([]byte(listed), &list); err != nil || len(list) == 0 {
		t.Fatal(err, listed)
	}
	n := strconv.FormatInt(list[0].ID, 10)
	hash := func() string {
		var is broadcast.JSON
		if err := json.Unmarshal([]byte(program(0, `"hash"`, "status", n, "--json")), &is); err != nil {
			t.Fatal(err)
		}
		return is.Hash
	}
	before := hash()
	program(exitUsage, "--hash", "submit", n, "--as", "cli-wang")
	program(exitFailed, "还有空没填", "submit", n, "--as", "cli-wang", "--hash", before)
	program(0, "最多500）", "draft", "--as", "cli-wang", "--edit", n, "--actual", "--field", `description=三点开闸，水会涨。\n到镇中学集合。`,
		"--fill", "谁发布=如东县防汛指挥部", "--fill", "当地值班=12345", "--expires", "3h")
	program(exitFailed, "内容与您看的不同了，现在是第2稿", "submit", n, "--as", "cli-wang", "--hash", before)
	read := hash()[:12]
	program(0, "三点开闸", "submit", n, "--as", "cli-wang", "--hash", read)
	program(exitFailed, "另一个人", "approve", n, "--as", "cli-wang", "--hash", read, "--typed", "实际发布")
	program(exitUsage, "--hash", "approve", n, "--as", "cli-li", "--typed", "实际发布")
	program(exitUsage, "at least the first 12", "approve", n, "--as", "cli-li", "--hash", read[:11], "--typed", "实际发布")
	program(exitFailed, "内容与您看的不同了", "approve", n, "--as", "cli-li", "--hash", before[:12], "--typed", "实际发布")
	program(exitUsage, "--typed", "approve", n, "--as", "cli-li", "--hash", read)
	program(exitFailed, "没有开始发", "export", n)
	exported := filepath.Join(t.TempDir(), "draft.xml")
	program(0, "", "export", n, "--draft", "--out", exported)
	if written, err := os.ReadFile(exported); err != nil || !strings.Contains(string(written), "<status>Draft</status>") { //nolint:gosec // ours
		t.Errorf("%v: %s", err, written)
	}
	if is, err := os.Stat(exported); err != nil || is.Mode().Perm() != 0o600 {
		t.Errorf("what was exported may be read by others: %v", err)
	}
	program(0, "核准了，几秒钟里开始发", "approve", n, "--as", "cli-li", "--hash", strings.ToUpper(read), "--typed", "如东县要涨水，现在就往高处走")
	beginNow(t, app, list[0].ID)
	program(0, "<status>Actual</status>", "export", n)
	program(0, "暂停了", "pause", n, "--as", "cli-wang")
	program(0, "接着发了", "resume", n, "--as", "cli-li")
	program(0, "--cancel-of "+n, "cancel", n, "--as", "cli-li", "--reason", "水退了")
	program(0, "前面发的作废", "draft", "--as", "cli-wang", "--cancel-of", n, "--field", "reason=水退了")

	file := filepath.Join(t.TempDir(), "draft.json")
	if err := os.WriteFile(file, []byte(`{"type": "Alert", "exersise": true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	program(exitFailed, "看不懂这份草稿", "draft", "--as", "cli-wang", "--file", file)
	if err := os.WriteFile(file, []byte(`{"type": "Alert", "exercise": true, "content": {"entry": "quake-tonight", "version": 2, "category": "Other", "response": "Assess",
		"urgency": "Future", "severity": "Minor", "certainty": "Observed"}, "audience": {}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	program(0, "照条目：quake-tonight 第2版\n什么时候：核准以后，", "draft", "--as", "cli-wang", "--file", file)
	alert := filepath.Join(t.TempDir(), "alert.xml")
	for status, says := range map[string]string{"Exercise": "【演练】台风今晚到", "Test": "第1行：status 是 Test"} {
		if err := os.WriteFile(alert, []byte(foreignCAP("W-cli", status)), 0o600); err != nil {
			t.Fatal(err)
		}
		program(map[string]int{"Exercise": 0, "Test": exitFailed}[status], says, "draft", "--as", "cli-wang", "--cap", alert)
	}
	program(exitUsage, "no such file", "draft", "--as", "cli-wang", "--cap", alert+".none")
	r := runProgram(t, foreignCAP("W-2", "Exercise"), "--data", data, "--set", "embedder=none", "--set", "password="+staffPassword, "broadcast", "draft", "--as", "cli-wang", "--cap", "-", "--actual")
	if r.code != exitFailed || !strings.Contains(r.err, "不能用 --actual") {
		t.Errorf("an exercise made real: exit %d, %s%s", r.code, r.out, r.err)
	}
	r = runProgram(t, foreignCAP("W-2", "Actual"), "--data", data, "--set", "embedder=none", "--set", "password="+staffPassword, "broadcast", "draft", "--as", "cli-wang", "--cap", "-")
	for _, says := range []string{"【实发】通知", "来自：w@x.example,W-2,", "请核对：没有认出来的地区", "还没有选地区，现在谁也不发", "还不能送核准：还有空没填：〔选地区，原文写的是：沿海各县〕"} {
		if r.code != 0 || !strings.Contains(r.out, says) {
			t.Errorf("another system's alert: exit %d without %s:\n%s%s", r.code, says, r.out, r.err)
		}
	}
	t.Log(r.out)
	program(0, "以后会收到推送", "endpoint", "add", "wecom", "如东网格员", "--county", "320623", "--as", "cli-li")
	program(0, "加入了演练组", "exercise", "join", "wecom", "如东网格员", "--as", "cli-li")
	program(0, "如东县，演练组", "endpoint", "list")
}
