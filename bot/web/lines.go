package web

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"qiuzhen/bot"
)

// block is a piece of a reply as a page shows it.
type block struct {
	Kind   string // lead, line, steps, options, offers, small, label
	Start  int    // of steps: the number of the first
	Lines  []line
	Offers []offer // of offers: the buttons that the lines are
}

// offer is a numbered line that can be pressed.
type offer struct{ Number, Words, Say string }

// line is text with the telephone numbers in it.
type line []run

type run struct {
	Text string
	Tel  bool // can be called
}

var (
	step   = regexp.MustCompile(`^([0-9]{1,2})\. `)
	option = regexp.MustCompile(`^([0-9]{1,2}) `)
	small  = regexp.MustCompile(`^(?:来源|审核|适用地区)：`)
	label  = regexp.MustCompile(`^示范内容，`)
	// phone is a number that the text says to call.
	phone = regexp.MustCompile(`打(?:反诈专线|电话)?([0-9]{3,5})(?:或者?([0-9]{3,5}))?`)
)

// blocks shows the lines of a reply for what they are. An empty line begins the next thing said, whose first line is as large. A line that offers
// what a button does is that button; the other buttons are left.
func blocks(text string, choices []bot.Choice) (out []block, left []bot.Choice) {
	lead := true
	left = slices.Clone(choices)
	for s := range strings.SplitSeq(text, "\n") {
		if s = strings.TrimSpace(s); s == "" {
			lead = true
			continue
		}
		kind, start, rest := kindOf(s)
		if kind == "line" && lead {
			kind = "lead"
		}
		lead = false
		if i := offered(kind, s, left); i >= 0 {
			out = appendOffer(out, s, left[i].Say)
			left = slices.Delete(left, i, i+1)
			continue
		}
		out = appendLine(out, kind, start, telephones(rest))
	}
	return out, left
}

func kindOf(s string) (kind string, start int, rest string) {
	switch {
	case step.MatchString(s):
		found := step.FindStringSubmatch(s)
		start, _ = strconv.Atoi(found[1]) // two digits
		return "steps", start, s[len(found[0]):]
	case option.MatchString(s):
		return "options", 0, s
	case small.MatchString(s):
		return "small", 0, s
	case label.MatchString(s):
		return "label", 0, s
	}
	return "line", 0, s
}

// offered is which choice does what a numbered line says, 1 喝白酒杀病毒; -1 for none.
func offered(kind, s string, choices []bot.Choice) int {
	number, words, _ := strings.Cut(s, " ")
	return slices.IndexFunc(choices, func(c bot.Choice) bool {
		return kind == "options" && (c.Say == number || c.Label == words || c.Label == s)
	})
}

func appendOffer(out []block, s, say string) []block {
	number, words, _ := strings.Cut(s, " ")
	o := offer{number, words, say}
	if n := len(out) - 1; n >= 0 && out[n].Kind == "offers" {
		out[n].Offers = append(out[n].Offers, o)
		return out
	}
	return append(out, block{Kind: "offers", Offers: []offer{o}})
}

// appendLine adds to the last block where lists go on.
func appendLine(out []block, kind string, start int, l line) []block {
	if n := len(out) - 1; n >= 0 && out[n].Kind == kind && (kind == "options" || kind == "small" || kind == "steps" && start == out[n].Start+len(out[n].Lines)) {
		out[n].Lines = append(out[n].Lines, l)
		return out
	}
	return append(out, block{Kind: kind, Start: start, Lines: []line{l}})
}

// telephones cuts a text at the numbers to call.
func telephones(s string) line {
	var out line
	at := 0
	for _, found := range phone.FindAllStringSubmatchIndex(s, -1) {
		for i := 2; i < len(found); i += 2 {
			if found[i] < 0 {
				continue
			}
			out = append(out, run{Text: s[at:found[i]]}, run{s[found[i]:found[i+1]], true})
			at = found[i+1]
		}
	}
	if at < len(s) {
		out = append(out, run{Text: s[at:]})
	}
	return out
}

// firstLine is the beginning of a text, for a heading.
func firstLine(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return s
}
