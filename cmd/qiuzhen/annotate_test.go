//go:build !race

package main

import (
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qiuzhen/eval/cases"
	"qiuzhen/knowledge"
)

// TestAnnotate takes three cases through their review as three people do: sheets out, filled in, brought back, settled, signed, locked.
func TestAnnotate(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(testData, "annotate")
	held, err := openApp(context.Background(), &cli{Data: data, Set: []string{"embedder=none"}}, stdio{err: &strings.Builder{}}) // keeps the server up between the commands
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	const password = "长长的一个好密码呀呀"
	program := func(code int, expected string, args ...string) string {
		t.Helper()
		r := runProgram(t, "", append([]string{
			"--data", data, "--set", "embedder=none", "--set", "password=" + password, "--set", "new_password=" + password,
		}, args...)...)
		if r.code != code || !strings.Contains(r.out+r.err, expected) {
			t.Fatalf("%v: exit %d, want %d and %q:\n%s%s", args, r.code, code, expected, r.out, r.err)
		}
		return r.out
	}
	file := filepath.Join(dir, "cases.jsonl")
	if err := os.WriteFile(file, []byte(threeCases), 0o600); err != nil {
		t.Fatal(err)
	}
	for login, role := range map[string]knowledge.Role{"li": knowledge.Editor, "chen": knowledge.Expert, "zhao": knowledge.Expert, "sun": knowledge.Expert} {
		person := knowledge.Person{Login: login, Name: login, Title: "主任医师", Institution: "市医院", Roles: []knowledge.Role{role}}
		if _, err := held.Store.AddPerson(context.Background(), person, password); err != nil {
			t.Fatal(err)
		}
	}
	for login, urgent := range map[string][]string{"chen": {"没有危险", "没有危险", "中风"}, "li": {"没有危险", "着火", ""}} {
		sheet := filepath.Join(dir, login+".csv")
		program(0, "3 个用例", "eval", "annotate", "export", "--to", sheet, "--as", login, file)
		fillIn(t, sheet, urgent)
		program(0, "存了", "eval", "annotate", "import", sheet, "--as", login)
	}
	program(0, "裁定", "eval", "annotate", "adjudicate", "t-2", "--like", "chen", "--reason", "没有着火", "--as", "zhao")
	program(1, "要另一位专家来签", "eval", "annotate", "approve", "t-1", "--as", "chen")
	program(0, "签了 2 个", "eval", "annotate", "approve", "--all", "--as", "sun")
	program(0, "锁定了 1 个", "eval", "annotate", "lock", "t-1", "--record", file, "--as", "zhao")
	recorded, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	reading := cases.Read([]cases.File{{Name: file, Data: recorded}}, cases.Known{})
	if signed, n := cases.SignedShare(reading.Cases); len(reading.Complaints) > 0 || signed != 2 || n != 3 {
		t.Errorf("%d of %d are signed; complaints %v", signed, n, reading.Complaints)
	}
	program(0, "抽了 0 条", "eval", "annotate", "sample", "--n", "5")
}

// fillIn fills in the rows of a sheet that have a danger; whoever does thinks that nothing answers any of them.
func fillIn(t *testing.T, sheet string, urgent []string) {
	t.Helper()
	content, err := os.ReadFile(sheet)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(content), "\ufeff"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, words := range []string{"村口那棵树", "这部剧", "老伴嘴歪了"} { // rows stand in an order of each person's own
		at := slices.IndexFunc(rows, func(row []string) bool { return strings.HasPrefix(row[2], words) })
		if danger := urgent[i]; danger != "" {
			rows[at][5], rows[at][8], rows[at][9] = "说还没有查证过", danger, "不要"
		}
	}
	var out strings.Builder
	if err := csv.NewWriter(&out).WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sheet, []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

const threeCases = `{"id":"t-1","family_id":"t-1","version":1,"split":"gate","turns":["村口那棵树能许愿吗"],"channel":"web","as_of":"2026-11-27","expect":{"decision":"abstain","entries":[],"key_points":[],"forbidden":[],"must_cite":false},"slices":{"topic":"none","risk":"low","style":["plain"]},"provenance":"test","reviewers":[],"status":"draft"}
{"id":"t-2","family_id":"t-2","version":1,"split":"gate","turns":["这部剧笑死我了，火得不行"],"channel":"web","as_of":"2026-11-27","expect":{"decision":"any","entries":[],"key_points":[],"forbidden":[],"must_cite":false},"slices":{"topic":"none","risk":"low","style":["plain"],"kind":"lookalike"},"provenance":"test","reviewers":[],"status":"draft"}
{"id":"t-3","family_id":"t-3","version":1,"split":"gate","turns":["老伴嘴歪了，话也说不清"],"channel":"web","as_of":"2026-11-27","expect":{"decision":"any","entries":[],"urgent":"stroke","key_points":[],"forbidden":[],"must_cite":false},"slices":{"topic":"none","risk":"high","style":["plain"],"kind":"urgent"},"provenance":"test","reviewers":[],"status":"draft"}
`
