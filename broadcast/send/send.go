// Package send holds the senders of broadcasts, one a channel: Telegram, WeChat (to one, and to many), the group robots of WeCom and DingTalk, e-mail, and the
// signed webhook. They send once and tell what became of it; when to send, and whether again, broadcast.Worker decides. All pass sendertest.Suite.
//
// What an error says is our own: platforms repeat addresses, keys and texts in theirs. Reasons are the staff's to read, in Chinese. Nothing is lost that the
// operator can mend before the broadcast expires: a recipient's own wrong setting is a *broadcast.NotTakenError with a reason, which status and the
// report show; one of the whole account is a *broadcast.RetryError and a line in the log.
//
// What is signed is signed with the time of the database (broadcast.Message.Now): a node whose own clock is wrong is believed all the same.
package send

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// mendTime is how long an account is left alone whose settings the platform does not take.
const mendTime = time.Minute

func permanent(format string, args ...any) error {
	return &broadcast.PermanentError{Reason: fmt.Sprintf(format, args...)}
}

// misconfigured is an account's setting that has to be mended before anything is sent.
func misconfigured(log *slog.Logger, channel, what string) error {
	log.Error("a channel of broadcasts cannot be used", "channel", channel, "why", what, "again in", mendTime)
	return &broadcast.RetryError{After: mendTime}
}

// notTaken is what a later try may not meet. Nobody has the message.
func notTaken(format string, args ...any) error {
	return &broadcast.NotTakenError{Err: fmt.Errorf(format, args...)}
}

// toMend is a recipient's own setting that is wrong: once it is mended the message is taken.
func toMend(format string, args ...any) error {
	reason := fmt.Sprintf(format, args...)
	return &broadcast.NotTakenError{Err: errors.New(reason), Reason: reason}
}

// clock is the time of a message: the node's own where the message says none.
func clock(m broadcast.Message) time.Time {
	if m.Now.IsZero() {
		return time.Now()
	}
	return m.Now
}

// fits refuses a text that the platform would cut or refuse.
func fits(text string, length func(string) int, most int, unit string) error {
	switch n := length(text); {
	case strings.TrimSpace(text) == "":
		return permanent("没有文字")
	case n > most:
		return permanent("文字太长：%d%s，最多%d", n, unit, most)
	}
	return nil
}

func byteLength(s string) int { return len(s) }

func utf16Length(s string) int {
	n := 0
	for _, r := range s {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// untilMidnight is how long a quota of the day is used up: the platforms count China's days.
func untilMidnight(now time.Time) time.Duration {
	y, m, d := now.In(knowledge.China).Date()
	return time.Date(y, m, d+1, 0, 1, 0, 0, knowledge.China).Sub(now)
}

// short is what a field of so many characters shows of a message.
func short(m broadcast.Message, most int) string {
	line := m.Short
	if line == "" {
		line, _, _ = strings.Cut(strings.TrimSpace(m.Text), "\n")
	}
	line = strings.TrimSpace(line)
	if utf8.RuneCountInString(line) <= most {
		return line
	}
	return string([]rune(line)[:most-1]) + "…"
}
