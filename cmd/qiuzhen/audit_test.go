package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAuditVerify: what staff read and scripts get of an intact log, one restored from an older backup, one that was changed, and
// one whose key is gone.
func TestAuditVerify(t *testing.T) {
	data := filepath.Join(testData, "audit")
	var notes strings.Builder
	held, err := openDatabase(context.Background(), &cli{Data: data}, stdio{err: &notes}) // keeps the server up between the commands
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	program := func(code int, expected string, args ...string) {
		t.Helper()
		r := runProgram(t, "", append([]string{"--data", data, "--set", "embedder=none"}, args...)...)
		if r.code != code || !strings.Contains(r.out+r.err, expected) {
			t.Fatalf("%v: exit %d, want %d and %q:\n%s%s", args, r.code, code, expected, r.out, r.err)
		}
	}
	files, err := filepath.Glob("../../content/*/*.md")
	if err != nil || len(files) < 3 {
		t.Fatalf("no content: %v", err)
	}
	asSuperuser := func(sql string) {
		t.Helper()
		program(0, "", "db", "psql", "--", "-q", "-c", "SET session_replication_role = replica", "-c", sql)
	}

	program(0, "审计记录 0 条", "audit", "verify")
	program(0, "新写入 2 条", "ingest", files[0], files[1])
	program(0, "审计记录 2 条，链条完整", "audit", "verify")
	for _, name := range []string{"audit.key", "audit.head"} {
		if info, err := os.Stat(filepath.Join(data, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}

	asSuperuser(`DELETE FROM audit_log WHERE seq = 2;
		UPDATE audit_head SET (seq, mac, key_id) = (SELECT seq, mac, key_id FROM audit_log)`)
	program(exitFailed, "第 2 条被截掉了", "audit", "verify")
	program(exitFailed, "WRONG  audit", "doctor")
	program(0, "已认可", "audit", "verify", "--accept-restore")
	program(0, "注意：第 2 条记着 系统（command audit verify", "audit", "verify")

	asSuperuser(`UPDATE audit_log SET actor = 'nobody' WHERE seq = 1`)
	program(exitFailed, "第 1 条被改过", "audit", "verify")
	program(exitFailed, "第 1 条被改过", "audit", "verify", "--accept-restore")

	if err := os.Rename(filepath.Join(data, "audit.key"), filepath.Join(data, "audit.key.away")); err != nil {
		t.Fatal(err)
	}
	program(exitFailed, "审计密钥不在", "audit", "verify")
	program(exitFailed, "审计密钥不在，不能修改内容", "ingest", files[2])
	program(exitAbstain, "", "ask", "今天天气真好")
	program(exitUsage, "too short", "--set", "audit_key=short", "audit", "verify")
}
