package bot_test

import (
	"strings"
	"testing"

	"qiuzhen/bot"
)

// TestRefused: whatever refuses or fails says what to do in a danger, and its own line otherwise.
func TestRefused(t *testing.T) {
	for words, number := range map[string]string{
		"我妈刚喝了农药": "120", "家里煤气泄漏了": "119", "喝白酒能杀病毒吗": "", "": "", "\xff": "", strings.Repeat("字", 100_000): "",
	} {
		line := bot.Refused(words, bot.ErrorLine)
		reply, danger := bot.DangerReply(words)
		if danger != (number != "") || danger && (reply.Urgent == nil || line != reply.Text || !strings.Contains(line, number)) || !danger && line != bot.ErrorLine {
			t.Errorf("%.20q: %q", words, line)
		}
	}
}
