package main

import (
	"strings"
	"testing"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
)

// TestTimesAreChinas: servers stand in any zone, and the staff reads hours of China's.
func TestTimesAreChinas(t *testing.T) {
	at := time.Date(2026, 11, 28, 20, 30, 0, 0, time.UTC)
	v := postgres.Version{Entry: knowledge.Entry{ID: "a1", Title: "一"}, Number: 1, Status: knowledge.Published, ExpiresAt: &at,
		Reviews: []knowledge.Review{{Reviewer: "陈医生", Decision: "approve", At: at}}}
	var out strings.Builder
	printVersion(&out, v)
	for _, want := range []string{"到2026-11-29\n", "2026-11-29 04:30:00"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	if got := trustWords(postgres.BundleKey{TrustedAt: at}); got != "2026-11-29 起认可" {
		t.Error(got)
	}
	if got := trustWords(postgres.BundleKey{TrustedAt: at, DistrustedAt: &at}); got != "2026-11-29 起不再认可" {
		t.Error(got)
	}
}

// TestInsideArchive: who waits for a large ZIP hears of it every few seconds, and of a small one nothing.
func TestInsideArchive(t *testing.T) {
	at := time.Date(2026, 11, 28, 20, 30, 0, 0, time.UTC)
	var out strings.Builder
	inside := insideArchive(&out, func() time.Time { return at })
	for n := range 20 {
		at = at.Add(time.Second)
		inside("\x1b[2J甲.zip", n+1, 20)
	}
	want := "压缩包 [2J甲.zip：读完 5/20 个文件\n压缩包 [2J甲.zip：读完 10/20 个文件\n压缩包 [2J甲.zip：读完 15/20 个文件\n压缩包 [2J甲.zip：读完 20/20 个文件\n"
	if out.String() != want {
		t.Errorf("%q", out.String())
	}
}
