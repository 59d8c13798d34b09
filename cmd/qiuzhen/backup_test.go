//go:build !race

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
)

// rows counts those of every table with the newest transaction that wrote one: nothing written leaves it as it is.
func (c town) rows() string {
	c.t.Helper()
	ctx := context.Background()
	d, err := openDatabase(ctx, &cli{Data: c.data}, stdio{err: &strings.Builder{}})
	if err != nil {
		c.t.Fatal(err)
	}
	defer d.Close()
	conn, err := pgx.ConnectConfig(ctx, d.config)
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1`)
	if err != nil {
		c.t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		c.t.Fatal(err)
	}
	var out strings.Builder
	for _, table := range tables {
		var n, newest int64
		err := conn.QueryRow(ctx, `SELECT count(*), coalesce(max(xmin::text::bigint), 0) FROM `+pgx.Identifier{table}.Sanitize()).Scan(&n, &newest)
		if err != nil {
			c.t.Fatal(err)
		}
		fmt.Fprintf(&out, "%s %d %d\n", table, n, newest)
	}
	return out.String()
}

// publishAll submits, signs and publishes every draft, as three people would.
func (c town) publishAll() {
	c.t.Helper()
	ctx := context.Background()
	app, err := openApp(ctx, &cli{Data: c.data, Set: []string{"embedder=none"}}, stdio{err: &strings.Builder{}})
	if err != nil {
		c.t.Fatal(err)
	}
	defer app.Close()
	as := map[string]context.Context{}
	people, err := app.Store.People(ctx)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, p := range people {
		as[p.Login] = knowledge.WithActor(ctx, knowledge.Actor{Person: p.ID, ID: p.Login, Name: p.Name, From: "test"})
	}
	drafts, err := app.Store.Newest(ctx, knowledge.Draft)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, v := range drafts {
		sign := func(login string, role knowledge.Role) error {
			return app.Store.Sign(as[login], postgres.Signature{Entry: v.Entry.ID, Version: v.Number, Role: role, Decision: "approve", Hash: v.Entry.Hash(), At: time.Now()})
		}
		_, err := app.Store.Submit(as["admin"], v.Entry.ID)
		err = errors.Join(err, sign("chen", knowledge.Expert), sign("li", knowledge.Editor))
		if err := errors.Join(err, app.Store.Publish(as["admin"], v.Entry.ID, false, time.Now())); err != nil {
			c.t.Fatal(err)
		}
	}
}

// askedBefore is a fixed list of messages: answers, suggestions, dangers, current facts and nothing known.
var askedBefore = []string{
	"紧急通知！喝白酒能杀死病毒，转给家人", "糖尿病人能喝蜂蜜吗", "老人摔倒了怎么办", "今晚台风到南通吗", "刷单返利是真的吗", "隔夜菜致癌吗",
	"家里煤气味很重头晕", "地震了往哪里跑", "今天股票涨了吗", "醋能软化血管吗",
}

func (c town) answers() string {
	c.t.Helper()
	r := runProgram(c.t, strings.Join(askedBefore, "\n"), "--data", c.data, "ask", "--lines", "--json", "-")
	if r.code != 0 {
		c.t.Fatal(r.err)
	}
	return answersOnly(r.out)
}

// TestWholeContentKept: content (nine entries; all of it under `make soak`) goes in twice, out in a bundle and into an empty city, into a backup and back; what is
// written twice writes nothing, and hashes, answers and the audit log stay what they are.
func TestWholeContentKept(t *testing.T) {
	c, wiped := newTown(t, "whole"), newTown(t, "wiped")
	paths, least := []string{}, 8
	for _, name := range []string{
		"rumour/baijiu-kills-virus", "rumour/overnight-vegetables-cancer", "health/honey-diabetes", "health/elder-fall-help", "health/vinegar-soften-vessels",
		"fraud/brushing-orders", "disaster/gas-leak-home", "disaster/earthquake-indoors", "disaster/typhoon-prepare",
	} {
		paths = append(paths, filepath.Join("..", "..", "content", name+".md"))
	}
	if os.Getenv("SOAK_CONTENT") != "" {
		paths, least = nil, 250
		for _, topic := range []string{"health", "fraud", "disaster", "rumour"} { // not the whole of content/, which holds a table of ours too
			paths = append(paths, filepath.Join("..", "..", "content", topic))
		}
	}
	ingest := append([]string{"ingest", "--as", "admin"}, paths...)
	c.staffed()
	c.program(0, "没有变化 0 条", append(ingest, "--set", "embedder=none")...) // readers are asked in the other city only
	before := c.rows()
	c.program(0, "新写入 0 条", append(ingest, "--set", "embedder=none")...)
	if after := c.rows(); after != before {
		t.Errorf("a second ingest wrote:\n%s\n---\n%s", before, after)
	}
	c.publishAll()
	file := filepath.Join(t.TempDir(), "all.zip")
	fingerprint := strings.Fields(c.program(0, "指纹", "bundle", "key").out)[3]
	c.program(0, "撤下的 0 个", "bundle", "export", "--out", file)
	wiped.staffed()
	wiped.program(0, "发布", "bundle", "import", "--as", "admin", "--trust", fingerprint, "--publish", file)
	if c.hashes() != wiped.hashes() || strings.Count(c.hashes(), "\n") < least {
		t.Errorf("other hashes after export, wipe and import:\n%s\n---\n%s", c.hashes(), wiped.hashes())
	}
	before = wiped.rows()
	wiped.program(0, "写入草稿 0 条，收下签字 0 条，撤下 0 条，发布 0 条", "bundle", "import", "--as", "admin", "--publish", file)
	wiped.program(0, "新写入 0 条", ingest...)
	if after := wiped.rows(); after != before {
		t.Errorf("the bundle a second time wrote:\n%s\n---\n%s", before, after)
	}

	csv := filepath.Join(t.TempDir(), "问答.csv")
	if err := os.WriteFile(csv, []byte("问题,答案\n雷雨天能打电话吗,室内可以。\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	wiped.program(0, "", "ingest", "--as", "admin", "--topic", "disaster", csv)
	wiped.backsUp(t)
}

// backsUp backs a city up, restores it into an empty folder with its keys, and compares all that anybody can see.
func (c town) backsUp(t *testing.T) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "city.backup")
	answers, verified, hashes, originals := c.answers(), c.program(0, "链条完整", "audit", "verify").out, c.hashes(), c.originals()
	if !strings.Contains(answers, "转自") || originals == "" {
		t.Fatalf("too little is here to lose: %q, %s", originals, answers)
	}
	c.program(0, "wrote", "db", "backup", file)
	c.program(exitUsage, "exists already", "db", "backup", file)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	broken := filepath.Join(t.TempDir(), "cut.backup")
	if err := os.WriteFile(broken, data[:len(data)*2/3], 0o600); err != nil {
		t.Fatal(err)
	}
	back := newTown(t, "restored")
	back.program(exitFailed, "as empty as before", "db", "restore", broken)
	back.program(0, "restored", "db", "restore", file)
	back.program(exitFailed, "审计密钥不在", "audit", "verify")
	for _, name := range []string{"audit.key", "audit.head"} {
		data, err := os.ReadFile(filepath.Join(c.data, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(back.data, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(data), "\x00") {
			t.Fatalf("%s is no text", name)
		}
	}
	if got := back.program(0, "链条完整", "audit", "verify").out; got != verified {
		t.Errorf("the audit log says %q, before it said %q", got, verified)
	}
	if got := back.answers(); got != answers {
		before, after := strings.Split(answers, "\n"), strings.Split(got, "\n")
		for i := range askedBefore {
			if before[i] != after[i] {
				t.Errorf("another answer to %q after the restore:\n%s\n---\n%s", askedBefore[i], before[i], after[i])
			}
		}
	}
	if back.hashes() != hashes || back.originals() != originals {
		t.Error("other content after the restore")
	}
	back.program(0, "不再认可", "bundle", "distrust", strings.Fields(back.program(0, "", "bundle", "keys").out)[0], "--reason", "试一试", "--as", "admin")
	key, err := os.ReadFile(filepath.Join(c.data, "audit.key"))
	if err != nil || strings.Contains(string(data), strings.TrimSpace(string(key))) {
		t.Errorf("the backup holds the audit key (%v)", err)
	}
}

// originals are the kept files, by hash.
func (c town) originals() string {
	c.t.Helper()
	return c.program(0, "", "db", "psql", "--", "-Atc", `SELECT encode(sha256(content), 'hex'), name FROM originals JOIN version_originals ON original = sha256`).out
}
