package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"qiuzhen/bot/inbox"
	"qiuzhen/bot/telegram/telegramtest"
)

const telegramSecret = "a-secret-of-32-characters-at-least"

// telegramArgs are those of the program beside a stand-in of Telegram. Without a model it answers little, but it answers.
func telegramArgs(data, api string, more ...string) []string {
	return append([]string{
		"--data", data, "--set", "embedder=none", "--set", "telegram_token=" + telegramtest.Token, "--set", "telegram_secret=" + telegramSecret, "--set", "telegram_api=" + api,
	}, more...)
}

func telegramUpdate(id int) []byte {
	return fmt.Appendf(nil, `{"update_id":%d,"message":{"message_id":%d,"from":{"id":%d},"chat":{"id":%d,"type":"private"},"date":%d,"text":"第%d号传言是真的吗"}}`,
		id, id, id, id, time.Now().Unix(), id)
}

// TestTelegram: the real program by webhook, killed with kill -9 in the middle, then by polling, then looked at by doctor.
func TestTelegram(t *testing.T) {
	const updates = 60
	data, api := dataDir(t), telegramtest.New()
	defer api.Close()
	var address atomic.Value
	start := func(more ...string) *exec.Cmd {
		cmd := program(t, telegramArgs(data, api.URL, append(more, "serve", "--listen", "127.0.0.1:0")...)...)
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		address.Store(serveAddress(t, stderr) + "/telegram/webhook")
		return cmd
	}
	cmd := start()
	var sending sync.WaitGroup
	for i := range 3 * updates {
		sending.Go(func() {
			time.Sleep(time.Duration(i) * 10 * time.Millisecond)
			for range 1000 {
				if status, err := telegramtest.Post(context.Background(), address.Load().(string), telegramSecret, telegramUpdate(i/3+1)); err == nil && status == 200 {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
			t.Errorf("update %d is never acknowledged", i/3+1)
		})
	}
	answered := func(from, to int) (all, twice int) {
		for i := from; i <= to; i++ {
			n := len(api.Messages(int64(i)))
			all, twice = all+min(n, 1), twice+max(n-1, 0)
		}
		return all, twice
	}
	wait := func(from, to int) {
		t.Helper()
		for deadline := time.Now().Add(90 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
			if all, _ := answered(from, to); all == to-from+1 {
				return
			}
		}
		all, _ := answered(from, to)
		t.Errorf("%d of %d answered", all, to-from+1)
	}
	for all := 0; all < updates/3; all, _ = answered(1, updates) {
		time.Sleep(5 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	cmd = start()
	sending.Wait()
	wait(1, updates)
	_, twice := answered(1, updates)
	fmt.Printf("the real program: %d updates three times each, one kill -9: 0 lost, %d answered twice\n", updates, twice)
	if twice > inbox.DefaultAtOnce {
		t.Errorf("%d answered twice", twice)
	}
	end := func() {
		t.Helper()
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("serve did not end well: %v", err)
		}
	}
	end()
	cmd = start("--set", "telegram_mode=poll")
	for i := range 3 {
		api.Queue(telegramUpdate(1001 + i))
	}
	wait(1001, 1003)
	end()
	doctor := runProgram(t, "", telegramArgs(data, api.URL, "--set", "telegram_mode=poll", "doctor")...)
	if !strings.Contains(doctor.out, "@qiuzhen_bot, poll") || !strings.Contains(doctor.out, "/setprivacy") || strings.Contains(doctor.out, telegramtest.Token) {
		t.Error(doctor.out)
	}
	doctor = runProgram(t, "", telegramArgs(data, api.URL, "doctor")...)
	if doctor.code != 1 || !strings.Contains(doctor.out, "WRONG  telegram") || !strings.Contains(doctor.out, "public_url") {
		t.Error(doctor.code, doctor.out)
	}
}

// TestTelegramSettings: what no bot could work with is refused with the setting's name, and without its value where that is a secret.
func TestTelegramSettings(t *testing.T) {
	good := map[string]string{"telegram_token": telegramtest.Token, "telegram_secret": telegramSecret}
	for name, bad := range map[string]string{
		"telegram_token": "not-a-token-at-all", "telegram_secret": "tooshort", "telegram_mode": "push", "telegram_api": "ftp://x/",
	} {
		var flags []string
		for n, v := range good {
			if n != name {
				flags = append(flags, n+"="+v)
			}
		}
		_, err := loadSettings(t.TempDir(), append(flags, name+"="+bad))
		if err == nil || !strings.Contains(err.Error(), name) || strings.HasSuffix(name, "n") && strings.Contains(err.Error(), bad) {
			t.Errorf("%s=%s: %v", name, bad, err)
		}
	}
	if _, err := loadSettings(t.TempDir(), []string{"telegram_token=" + telegramtest.Token, "telegram_mode=poll"}); err != nil {
		t.Error("polling needs no secret:", err)
	}
}
