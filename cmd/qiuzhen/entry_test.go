//go:build !race

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestEntryLife walks a health entry through its life at the terminal, with four people: what each is told, and what a reader is answered.
func TestEntryLife(t *testing.T) {
	data := filepath.Join(testData, "life")
	var notes strings.Builder
	held, err := openDatabase(context.Background(), &cli{Data: data}, stdio{err: &notes}) // keeps the server up between the commands
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	const password = "长长的一个好密码呀呀"
	program := func(code int, expected string, args ...string) {
		t.Helper()
		embedder := "none" // starts at once; but what is ingested and asked needs the model
		if args[0] == "ingest" || args[0] == "ask" {
			embedder = "onnx"
		}
		r := runProgram(t, "", append([]string{
			"--data", data, "--set", "embedder=" + embedder, "--set", "password=" + password, "--set", "new_password=" + password,
		}, args...)...)
		if r.code != code || !strings.Contains(r.out+r.err, expected) {
			t.Fatalf("%v: exit %d, want %d and %q:\n%s%s", args, r.code, code, expected, r.out, r.err)
		}
	}
	const id, question = "honey-diabetes", "糖尿病人能喝蜂蜜吗"
	file, err := filepath.Glob("../../content/*/" + id + ".md")
	if err != nil || len(file) != 1 {
		t.Fatalf("%v, %v", file, err)
	}
	edited := filepath.Join(t.TempDir(), id+".md")
	content, err := os.ReadFile(file[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(edited, []byte(strings.Replace(string(content), "negatives:\n", "negatives:\n  - 糖尿病人能吃蜂胶吗\n", 1)), 0o600); err != nil {
		t.Fatal(err)
	}

	program(exitFailed, "第一个账号要当管理员", "user", "add", "wang", "--name", "王编辑", "--role", "author")
	program(0, "可以登录了", "user", "add", "admin", "--name", "管理员", "--institution", "市科协", "--role", "administrator,publisher")
	program(exitUsage, "say who you are", "user", "add", "wang", "--name", "王编辑", "--institution", "市科协", "--role", "editor")
	program(0, "可以登录了", "user", "add", "wang", "--name", "王编辑", "--institution", "市科协", "--role", "author,editor", "--as", "admin")
	program(exitFailed, "专家要写职称和单位", "user", "add", "chen", "--name", "陈医生", "--role", "expert", "--as", "admin")
	program(0, "可以登录了", "user", "add", "chen", "--name", "陈医生", "--title", "主任医师", "--institution", "市医院", "--role", "expert", "--as", "admin")
	program(0, "可以登录了", "user", "add", "li", "--name", "李编辑", "--institution", "市科协", "--role", "editor", "--as", "admin")
	program(exitUsage, "say what changes", "user", "role", "li", "--as", "admin")
	program(0, "li 现在是：市科协 编审 李编辑；角色 editor\n", "user", "role", "li", "--title", "编审", "--as", "admin")
	program(0, "li 的密码改好了", "user", "passwd", "li", "--as", "li")
	program(exitFailed, "要管理员来做", "user", "disable", "li", "--as", "wang")
	program(exitFailed, "最后一位管理员", "user", "disable", "admin", "--as", "admin")
	program(exitFailed, "最后一位管理员", "user", "role", "admin", "publisher", "--as", "admin")

	program(exitUsage, "say whose drafts these are", "ingest", file[0])
	program(0, "新写入 1 条", "ingest", file[0], "--as", "wang")
	program(exitAbstain, "", "ask", question)
	program(0, "第1版送审了", "entry", "submit", id, "--as", "wang")
	program(0, "审核中，还差专家和编辑签字", "entry", "list")
	program(exitFailed, "签字还不够，不能发布\n", "entry", "publish", id, "--as", "admin")
	program(0, "签了", "entry", "sign", id, "--version", "1", "--as", "chen")
	program(exitFailed, "这一轮您已经签过了", "entry", "sign", id, "--version", "1", "--as", "chen")
	program(0, "退回了", "entry", "return", id, "--version", "1", "--comment", "第二句太长", "--as", "li")
	program(0, "草稿", "entry", "list")
	program(0, "新写入 1 条", "ingest", edited, "--as", "wang")
	program(0, "第2版送审了", "entry", "submit", id, "--as", "wang")
	program(exitFailed, "这一版现在不在审核中", "entry", "sign", id, "--version", "1", "--as", "li")
	program(exitFailed, "自己写过或改过的，不能自己签", "entry", "sign", id, "--version", "2", "--role", "editor", "--as", "wang")
	program(0, "签了", "entry", "sign", id, "--version", "2", "--as", "li")
	program(0, "签了", "entry", "sign", id, "--version", "2", "--comment", "数字都核对过", "--as", "chen")
	program(0, "签字  陈医生", "entry", "history", id)
	program(0, "以专家身份；数字都核对过", "entry", "history", id)
	program(exitAbstain, "", "ask", question)
	program(0, "发布了", "entry", "publish", id, "--as", "admin")
	program(0, "蜂蜜", "ask", question)
	program(0, "市医院 主任医师 陈医生", "entry", "show", id)
	program(0, "", "entry", "diff", id)
	program(0, "每百字", "entry", "check", id)
	again := filepath.Join(t.TempDir(), id+"-again.md")
	contrary := strings.NewReplacer("id: "+id, "id: "+id+"-again", `verdict: "false"`, `verdict: "true"`, "verdict: misleading", `verdict: "true"`).Replace(string(content))
	if err := os.WriteFile(again, []byte(contrary), 0o600); err != nil {
		t.Fatal(err)
	}
	program(exitFailed, "您没有做这件事的角色", "ingest", again, "--as", "chen")
	program(0, "新写入 1 条", "ingest", again, "--as", "wang")
	program(exitFailed, "与已发布的 "+id+" 结论矛盾", "entry", "submit", id+"-again", "--as", "wang")
	program(0, "送审了", "entry", "submit", id+"-again", "--despite", "有新的指南", "--as", "wang")
	program(exitFailed, "自己写过或改过的，不能自己签", "entry", "sign", id+"-again", "--version", "1", "--role", "editor", "--as", "wang")
	program(0, "与已发布的结论矛盾，理由：有新的指南", "entry", "history", id+"-again")
	program(0, "", "entry", "list", "--due")
	program(0, "没有要处理的提醒", "user", "notices", "chen")
	program(0, "添加账号", "user", "history", "chen")
	program(exitFailed, "没有 nobody 这个账号", "user", "history", "nobody")
	program(exitFailed, "登录名或密码不对", "entry", "withdraw", id, "--reason", "有误", "--as", "nobody")
	program(0, "读者会看到的原因：有新的结论", "entry", "withdraw", id, "--reason", "有新的结论", "--as", "admin")
	program(0, id+"：已经有人撤下了（第2版）；文件还是原来的", "ingest", edited, "--as", "wang")
	program(exitAbstain, "", "ask", question)
	program(0, "有新的结论", "entry", "history", id)
	program(exitFailed, "您没有做这件事的角色", "reader", "block", "web", "某人", "--reason", "骂人", "--as", "li")
	program(0, "拉黑了", "reader", "block", "web", "某人", "--reason", "骂人", "--as", "admin")
	program(0, "某人", "reader", "list")
	program(0, "照常回答", "reader", "unblock", "web", "某人", "--as", "admin")
	program(exitFailed, "没有拉黑", "reader", "unblock", "web", "某人", "--as", "admin")
	program(0, "li 停用了，不能再登录", "user", "disable", "li", "--as", "admin")
	program(0, "改登记的姓名、职称或单位  管理员", "user", "history", "li")
	program(0, "链条完整", "audit", "verify")
}
