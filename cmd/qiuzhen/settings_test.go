package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/settings.md and testdata/golden_decisions.json again")

// TestSettingsPage holds the reference page to the table in the code.
func TestSettingsPage(t *testing.T) {
	page := []byte(settingsPage())
	if *update {
		if err := os.WriteFile("../../docs/settings.md", page, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	committed, err := os.ReadFile("../../docs/settings.md")
	if err != nil || !bytes.Equal(committed, page) {
		t.Errorf("docs/settings.md is not what the code says (%v); run: go test ./cmd/qiuzhen -run TestSettingsPage -update", err)
	}
}

func settingsPage() string {
	var b strings.Builder
	b.WriteString("# Settings\n\nMade from `settingsTable` in `cmd/qiuzhen/settings.go`. For each: `--set name=value`, then the environment, then\n" +
		"`name = \"value\"` in `qiuzhen.toml` in the data folder. `qiuzhen doctor` prints what is in force and where it came from. The data\n" +
		"folder is `--data DIR`, else `QIUZHEN_DATA`, else `/var/lib/qiuzhen` as root and `$XDG_DATA_HOME/qiuzhen` as a user.\n\n" +
		"| setting | environment | default | what |\n|---|---|---|---|\n")
	for _, s := range settingsTable {
		env := "QIUZHEN_" + strings.ToUpper(s.name)
		if s.env != "" {
			env += ", " + s.env
		}
		help := s.help
		if s.secret {
			help += " (a secret: may be given as a file by the same name with _FILE)"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s.name, env, s.fallback, help)
	}
	return b.String()
}

func TestSettingsOrder(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "qiuzhen.toml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	load := func(flags ...string) (*settings, error) { return loadSettings(dir, flags) }
	expect := func(s *settings, err error, text, origin string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if v := s.values["listen"]; v.text != text || v.origin != origin {
			t.Errorf("listen = %+v, want %s from %s", v, text, origin)
		}
	}
	s, err := load()
	expect(s, err, "127.0.0.1:8080", "default")
	write("listen = \"a:1\"\nworkers = 2\n")
	s, err = load()
	expect(s, err, "a:1", "qiuzhen.toml")
	if s.number("workers") != 2 {
		t.Errorf("a number in the file: %d", s.number("workers"))
	}
	t.Setenv("QIUZHEN_LISTEN", "b:2")
	s, err = load()
	expect(s, err, "b:2", "environment QIUZHEN_LISTEN")
	s, err = load("listen=c:3")
	expect(s, err, "c:3", "flag --set")

	secret := filepath.Join(dir, "token")
	if err := os.WriteFile(secret, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("QIUZHEN_EMBEDDER_TOKEN_FILE", secret)
	if s, err = load(); err != nil || s.get("embedder_token") != "hush" {
		t.Errorf("secret from a file: %v", err)
	}
	var page bytes.Buffer
	printSettings(&page, s)
	if strings.Contains(page.String(), "hush") || !strings.Contains(page.String(), "***") {
		t.Error("doctor prints a secret")
	}
}

func TestSettingsRefused(t *testing.T) {
	for name, c := range map[string]struct{ file, flag, want string }{
		"broken file":     {file: "listen = ", want: "qiuzhen.toml cannot be read"},
		"unknown in file": {file: "lisen = \"x\"", want: `unknown setting "lisen"`},
		"not a number":    {flag: "workers=many", want: "expected a number"},
		"not a network":   {flag: "trusted_proxies=10.0.0.0/99", want: "expected addresses or CIDR ranges"},
		"not a choice":    {flag: "embedder=gpt", want: "expected onnx, openai, ollama or none"},
		"not an address":  {flag: "public_url=qiuzhen.example.cn", want: "expected an address"},
		"no speech":       {flag: "speech_url=localhost:8880", want: "expected an address"},
		"no recordings":   {flag: "media_transcribe_url=/v1", want: "expected an address"},
		"no WeChat":       {flag: "wechat_api=api.weixin.qq.com", want: "expected an address"},
		"not a boolean":   {flag: "serve_unsigned=perhaps", want: "expected true or false"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if c.file != "" {
				if err := os.WriteFile(filepath.Join(dir, "qiuzhen.toml"), []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var flags []string
			if c.flag != "" {
				flags = []string{c.flag}
			}
			if _, err := loadSettings(dir, flags); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

// TestDoctor: all is well on the demo; what is missing is named with the command that mends it, and ends with 1.
func TestDoctor(t *testing.T) {
	demo(t)
	well := runProgram(t, "", "--data", testData, "--demo", "doctor")
	for _, want := range []string{"ok     parts", "ok     database", "pgvector 0.8", "ok     embedder", "512 dimensions", "ok     consistency"} {
		if !strings.Contains(well.out, want) {
			t.Errorf("missing %q in\n%s", want, well.out)
		}
	}
	if well.code != 0 {
		t.Errorf("exit %d on a healthy installation\n%s%s", well.code, well.out, well.err)
	}
	lacking := runProgram(t, "", "--data", t.TempDir(), "--set", "runtime=/nonexistent", "doctor")
	if lacking.code != exitFailed || !strings.Contains(lacking.out, "run: scripts/setup") {
		t.Errorf("exit %d\n%s", lacking.code, lacking.out)
	}
}

// TestWithoutAModel: lexical search only, nothing answered for sure.
func TestWithoutAModel(t *testing.T) {
	demo(t)
	r := runProgram(t, "", "--data", testData, "--demo", "--set", "embedder=none", "ask", "--json", "喝白酒可以杀死流感病毒和新冠病毒")
	if answer := checkJSON(t, askSchema(t), r.out); r.code != 0 && r.code != exitAbstain || answer.Decision == "answer" {
		t.Errorf("exit %d, %s", r.code, r.out)
	}
	if !strings.Contains(r.err, "no embedding model") {
		t.Errorf("it is not said loudly: %q", r.err)
	}
}
