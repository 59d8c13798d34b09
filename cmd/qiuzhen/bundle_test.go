//go:build !race

package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"qiuzhen/bundle"
	"qiuzhen/knowledge"
)

// town is a city's data folder with its server held up between the commands.
type town struct {
	t    *testing.T
	data string
}

const townPassword = "长长的一个好密码呀呀"

func newTown(t *testing.T, name string) town {
	t.Helper()
	data := filepath.Join(testData, name)
	held, err := openDatabase(context.Background(), &cli{Data: data}, stdio{err: &bytes.Buffer{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { held.Close() })
	return town{t, data}
}

// program runs a command, without the model unless readers are to be answered, and expects its exit code and words.
func (c town) program(code int, expected string, args ...string) result {
	c.t.Helper()
	embedder := "none"
	if args[0] == "ingest" || args[0] == "ask" || args[0] == "bundle" && args[1] == "import" {
		embedder = "onnx"
	}
	r := runProgram(c.t, "", append([]string{"--data", c.data, "--set", "embedder=" + embedder, "--set", "city=南通市科协",
		"--set", "password=" + townPassword, "--set", "new_password=" + townPassword}, args...)...)
	if r.code != code || !strings.Contains(r.out+r.err, expected) {
		c.t.Fatalf("%v: exit %d, want %d and %q:\n%s%s", args, r.code, code, expected, r.out, r.err)
	}
	return r
}

// staffed lists an administrator who may also write and publish, a content expert and an editor.
func (c town) staffed() {
	c.t.Helper()
	c.program(0, "", "user", "add", "admin", "--name", "管理员", "--institution", "市科协", "--role", "administrator,publisher,author")
	c.program(0, "", "user", "add", "chen", "--name", "陈医生", "--title", "主任医师", "--institution", "市医院", "--role", "expert", "--as", "admin")
	c.program(0, "", "user", "add", "li", "--name", "李编辑", "--institution", "市科协", "--role", "editor", "--as", "admin")
}

func (c town) publish(id string) {
	c.t.Helper()
	c.program(0, "", "entry", "submit", id, "--as", "admin")
	c.program(0, "", "entry", "sign", id, "--version", "1", "--as", "chen")
	c.program(0, "", "entry", "sign", id, "--version", "1", "--as", "li")
	c.program(0, "", "entry", "publish", id, "--as", "admin")
}

func contentFile(t *testing.T, id string) string {
	t.Helper()
	found, err := filepath.Glob("../../content/*/" + id + ".md")
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", id, found, err)
	}
	return found[0]
}

// hashes are those of the newest versions, as the database has them.
func (c town) hashes() string {
	c.t.Helper()
	return c.program(0, "", "db", "psql", "--", "-Atc",
		`SELECT DISTINCT ON (entry_id) entry_id, encode(content_hash, 'hex') FROM entry_versions ORDER BY entry_id, version DESC`).out
}

// TestBundleBetweenCities: what staff of two cities see from the first key to a withdrawal, and what a reader is answered.
func TestBundleBetweenCities(t *testing.T) {
	from, to := newTown(t, "nantong"), newTown(t, "yancheng")
	const id, question = "honey-diabetes", "糖尿病人能喝蜂蜜吗"
	file := filepath.Join(t.TempDir(), "bundle.zip")
	from.staffed()
	from.program(0, "新写入 1 条", "ingest", contentFile(t, id), "--as", "admin")
	from.program(exitFailed, "qiuzhen bundle key", "bundle", "export", "--out", file)
	shown := from.program(0, "指纹", "bundle", "key").out
	if again := from.program(0, "指纹", "bundle", "key").out; again != shown {
		t.Errorf("another key the second time:\n%s%s", shown, again)
	}
	if info, err := os.Stat(filepath.Join(from.data, "bundle.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("bundle.key: %v, %v", info, err)
	}
	fingerprint := regexp.MustCompile(`指纹 (\S+)`).FindStringSubmatch(shown)[1]
	from.program(exitFailed, "没有可以共享的条目", "bundle", "export", "--out", file)
	if _, err := os.Stat(file); err == nil {
		t.Error("an export that failed left a file")
	}
	from.publish(id)
	from.program(exitUsage, "set city", "--set", "city=", "bundle", "export", "--out", file)
	from.program(0, "条目 1 个", "bundle", "export", "--out", file)
	from.program(exitUsage, "exists already", "bundle", "export", "--out", file)

	r := to.program(exitFailed, "还没有认可过这把钥匙，什么也没有写入", "bundle", "import", file)
	t.Logf("an unknown key:\n%s%s", r.out, r.err)
	r = to.program(exitFailed, "qiuzhen user add LOGIN", "bundle", "import", "--trust", fingerprint, file)
	t.Logf("nobody there:\n%s%s", r.out, r.err)
	to.staffed()
	to.program(0, "", "user", "add", "zhang", "--name", "张编辑", "--institution", "市科协", "--role", "editor", "--as", "admin")
	to.program(exitUsage, "--as LOGIN", "bundle", "import", "--trust", fingerprint, file)
	to.program(exitFailed, "administrator", "bundle", "import", "--as", "zhang", "--trust", fingerprint, file)
	to.program(exitFailed, "指纹对不上", "bundle", "import", "--as", "admin", "--trust", "0000-1111", file)
	to.program(0, "", "entry", "list")
	r = to.program(0, "写入草稿 1 条", "bundle", "import", "--as", "admin", "--trust", fingerprint, file)
	t.Logf("trusted:\n%s%s", r.out, r.err)
	to.program(exitUsage, "say who takes the bundle in: --as LOGIN", "bundle", "import", file)
	to.program(0, "写入草稿 0 条", "bundle", "import", "--as", "admin", file)
	if from.hashes() != to.hashes() {
		t.Errorf("other hashes:\n%s%s", from.hashes(), to.hashes())
	}
	r = to.program(0, "转自：南通市科协（指纹 "+fingerprint, "entry", "show", id)
	t.Logf("entry show:\n%s", r.out[strings.Index(r.out, "转自"):])
	to.program(exitAbstain, "", "ask", question)
	to.program(exitUsage, "--as LOGIN", "bundle", "import", "--publish", file)
	to.program(exitFailed, "publisher", "bundle", "import", "--as", "zhang", "--publish", file)
	to.program(0, "发布 1 条", "bundle", "import", "--as", "admin", "--publish", file)
	r = to.program(0, "转自：南通市科协\n审核：陈医生 主任医师 · 市医院", "ask", question)
	t.Logf("a reader:\n%s", r.out)

	from.program(0, "撤下了", "entry", "withdraw", id, "--reason", "有新的结论", "--as", "admin")
	newer := filepath.Join(t.TempDir(), "newer.zip")
	from.program(0, "撤下的 1 个", "bundle", "export", "--out", newer)
	to.program(0, "撤下：1 条", "bundle", "import", "--dry-run", newer)
	to.program(0, "蜂蜜", "ask", question)
	to.program(0, "撤下 1 条", "bundle", "import", "--as", "admin", newer)
	to.program(exitAbstain, "", "ask", question)
	to.program(0, "转自南通市科协，对方已撤下：有新的结论", "entry", "list")
	to.program(0, "比已经收过的旧", "bundle", "import", "--as", "admin", "--publish", file)
	to.program(exitAbstain, "", "ask", question)
	to.program(0, "认可", "bundle", "keys")
	to.program(exitUsage, "--as LOGIN", "bundle", "distrust", fingerprint, "--reason", "换了钥匙")
	to.program(0, "撤下了", "bundle", "distrust", fingerprint, "--reason", "换了钥匙", "--as", "admin")
	to.program(exitFailed, "还没有认可过这把钥匙", "bundle", "import", newer)
	to.program(0, "链条完整", "audit", "verify")
}

// TestBundleOfBrokenEntries: what lint refuses is named and the rest goes on; a file that is no bundle is wrong input.
func TestBundleOfBrokenEntries(t *testing.T) {
	to := newTown(t, "broken-bundles")
	entries, err := embeddedEntries()
	if err != nil {
		t.Fatal(err)
	}
	good, bad := entries[0], entries[1]
	bad.Summary = "包治百病！"
	file := filepath.Join(t.TempDir(), "bundle.zip")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	seed := bytes.Repeat([]byte("ab"), 32)
	s := &settings{values: map[string]value{"bundle_key": {string(seed), "test"}}}
	key, err := s.bundleKey()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC().Truncate(time.Microsecond)
	w := bundle.NewWriter(out)
	item := bundle.Item{Version: 1, Published: now, Expires: now.AddDate(1, 0, 0), Reviews: []bundle.Review{
		{Reviewer: "甲", Institution: "某院", Role: "expert", At: now}, {Reviewer: "乙", Institution: "某院", Role: "editor", At: now}}}
	ordered := []knowledge.Entry{good, bad}
	slices.SortFunc(ordered, func(a, b knowledge.Entry) int { return strings.Compare(string(a.ID), string(b.ID)) })
	for _, e := range ordered {
		if err := w.Add(item, e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(bundle.Manifest{City: "某市", Created: now, Program: "test"}, key); err != nil {
		t.Fatal(err)
	}
	out.Close()
	to.staffed()
	to.program(exitFailed, string(bad.ID)+"：不用“包治”这样的话", "bundle", "import", "--as", "admin", "--trust", bundle.KeyOf(key).Fingerprint(), file)
	to.program(0, string(good.ID), "entry", "list")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	to.program(exitUsage, "什么也没有写入", "bundle", "import", file)
	to.program(exitUsage, "打不开", "bundle", "import", "/nonexistent")
	to.program(exitUsage, "坏了", "bundle", "import", "bundle_test.go")
}
