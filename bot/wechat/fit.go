package wechat

import (
	"strings"
	"unicode/utf8"

	"qiuzhen/bot"
	"qiuzhen/text"
)

// maxReply is what the platform takes of a text, in bytes of UTF-8.
const maxReply = 2048

// leastLate is the room below which a late reply waits for another message instead of being cut short. What the reader waited for longer, and
// is told below it, is never cut.
const leastLate = 400

// fit makes a reply one that the platform takes; links are the pages of what it tells.
func fit(s string, links []string) string { return within(s, links, maxReply) }

func within(s string, links []string, most int) string {
	if len(s) <= most {
		return s
	}
	return shorten(s, links, most)
}

// refit makes a stored reply fit again: what it quoted that has been withdrawn since is said in other words (bot.Without), which may be longer. What the
// reader waited for stays whole when there is room beside it.
func refit(reply string) string {
	own, due := bot.CutDue(reply)
	if maxReply-len(due) < leastLate {
		own, due = reply, ""
	}
	return within(own, nil, maxReply-len(due)) + due
}

// cut cuts a text that is too long at the end of a sentence and says where the rest is.
func cut(s, link string, most int) string {
	if len(s) <= most {
		return s
	}
	tail := "\n……"
	if link != "" {
		tail = "\n……\n全文：" + link
	}
	room := most - len(tail)
	end, from := 0, 0
	for _, sentence := range text.Sentences(s) {
		at := strings.Index(s[from:], sentence)
		if at < 0 || from+at+len(sentence) > room {
			break
		}
		from += at + len(sentence)
		end = from
	}
	if end == 0 { // one sentence that is too long
		for end = room; end > 0 && !utf8.RuneStart(s[end]); end-- {
		}
	}
	return strings.TrimRight(s[:end], " \n") + tail
}

// joinLate makes one text of a reply and the late ones before it, and says how many of those it took. Who only asks whether the reply is there
// gets just that.
func joinLate(own string, late []string) (joined string, taken int) {
	if own = refit(own); own == heldLine {
		own = ""
	}
	for _, reply := range late {
		lead := "刚才那一问的答复：\n"
		if own == "" && taken == 0 {
			lead = ""
		} else {
			lead = "\n\n" + lead
		}
		room := maxReply - len(own) - len(lead)
		words, due := bot.CutDue(reply)
		if len(reply) > room && room-len(due) < leastLate {
			break
		}
		own += lead + within(words, nil, room-len(due)) + due
		taken++
	}
	return own, taken
}
