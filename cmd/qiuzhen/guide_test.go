package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"qiuzhen/ingest/officetest"
)

// guide is what editors and reviewers read.
const guide = "../../docs/authoring.zh-CN.md"

var (
	remark  = regexp.MustCompile(`\s{2,}.*`) // what the guide says beside a command
	example = regexp.MustCompile("(?s)```markdown\n(---\nid: ([a-z-]+)\n.*?)```")
)

// guideCommands are the commands of the guide, in order.
func guideCommands(t *testing.T) (page string, commands []string) {
	t.Helper()
	data, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if command, ok := strings.CutPrefix(strings.TrimSpace(line), "qiuzhen "); ok {
			commands = append(commands, remark.ReplaceAllString(command, ""))
		}
	}
	if len(commands) < 40 {
		t.Fatalf("found %d commands only", len(commands))
	}
	return string(data), commands
}

// TestGuideCommands: every command that the guide shows is one, and those that change something say in whose name.
func TestGuideCommands(t *testing.T) {
	var c cli
	parser, err := kong.New(&c, kong.Name("qiuzhen"), kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	_, commands := guideCommands(t)
	reads := strings.Fields("list history notices show diff check keys key export lint")
	for n, command := range commands {
		args := strings.Fields(command)
		parsed, err := parser.Parse(args)
		if err != nil {
			t.Errorf("qiuzhen %s: %v", command, err)
			continue
		}
		verb := parsed.Selected().Name
		if !slices.Contains(reads, verb) && !slices.Contains(args, "--as") && n > 0 { // the first adds the first administrator
			t.Errorf("qiuzhen %s: in whose name?", command)
		}
	}
}

// TestGuideRuns runs the commands of the guide one after the other, in its order, with what its readers do between them.
func TestGuideRuns(t *testing.T) {
	if os.Getenv("SOAK_GUIDE") == "" {
		t.Skip("runs some sixty commands; make soak sets SOAK_GUIDE")
	}
	page, commands := guideCommands(t)
	home, away := filepath.Join(testData, "guide"), filepath.Join(testData, "guide-away")
	for _, data := range []string{home, away} {
		held, err := openDatabase(context.Background(), &cli{Data: data}, stdio{err: &strings.Builder{}}) // keeps the server up between the commands
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close()
	}
	other, err := os.ReadFile("../../content/rumour/baijiu-kills-virus.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	write := func(name string, data []byte) {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range example.FindAllStringSubmatch(page, -1) {
		write(m[2]+".md", []byte(m[1]))
		if m[2] == "honey-diabetes" {
			write("honey-again.md", []byte(strings.NewReplacer("id: honey-diabetes", "id: honey-again", `verdict: "false"`, `verdict: "true"`).Replace(m[1])))
		}
	}
	write("baijiu-kills-virus.md", other)
	write("取暖提示.docx", officetest.DOCX(officetest.Paragraph("Title", "取暖提示")+officetest.Paragraph("", "烧煤取暖要开一条窗缝。睡觉以前把炉火封好。")))
	write("防溺水告知书.pdf", officetest.PDF(officetest.Page{Lines: []string{"一、不要下水", "河里的水看着浅，其实很深。"}}))
	write("热线问答.csv", []byte("咨询,回应,真相\n千滚水能喝吗,烧开几次都可以喝。,谣言\n"))
	const password = "长长的一个好密码呀呀"
	run := func(data, command string, code int) string {
		t.Helper()
		r := runProgram(t, "", append([]string{"--data", data, "--set", "embedder=none", "--set", "password=" + password, "--set", "new_password=" + password},
			strings.Fields(command)...)...)
		t.Logf("qiuzhen %s\n%s%s", command, r.out, r.err)
		if r.code != code {
			t.Fatalf("qiuzhen %s: exit %d, want %d\n%s%s", command, r.code, code, r.out, r.err)
		}
		return r.out
	}
	before := map[string][]string{ // what somebody has done meanwhile
		"entry submit honey-again":                                           {"ingest --as wang honey-again.md"},
		"entry sign honey-diabetes --version 1 --as":                         {"entry submit honey-diabetes --as wang"},
		"entry sign earthquake-indoors --version 1 --role publisher --as li": {"entry submit earthquake-indoors --as wang"},
		"bundle key": {"ingest --as wang baijiu-kills-virus.md", "entry submit baijiu-kills-virus --as wang",
			"entry sign baijiu-kills-virus --version 1 --as chen", "entry publish baijiu-kills-virus --as li"},
	}
	run(away, "user add admin --name 管理员 --institution 乙县科协 --role administrator", 0)
	run(away, "user add li --as admin --name 李编辑 --institution 乙县科协 --role editor,publisher", 0)
	fingerprint, imports := "", 0
	for _, command := range commands {
		for prefix, more := range before {
			for _, m := range more {
				if strings.HasPrefix(command, prefix) {
					run(home, m, 0)
				}
			}
			if strings.HasPrefix(command, prefix) {
				delete(before, prefix)
			}
		}
		command = strings.ReplaceAll(command, "指纹", fingerprint)
		data, code := home, 0
		switch {
		case strings.Contains(command, "https://"): // no test reads the web
			continue
		case strings.HasPrefix(command, "bundle import"):
			if data, imports = away, imports+1; imports == 1 {
				code = exitFailed // the key is unknown
			}
		case strings.HasPrefix(command, "bundle keys"), strings.HasPrefix(command, "bundle distrust"):
			data = away
		}
		out := run(data, command, code)
		if command == "bundle key" {
			_, fingerprint, _ = strings.Cut(out, "指纹 ")
			fingerprint, _, _ = strings.Cut(fingerprint, "\n")
		}
	}
	if len(before) > 0 || imports < 4 {
		t.Errorf("%d imports; not reached: %v", imports, before)
	}
}
