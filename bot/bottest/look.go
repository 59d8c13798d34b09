package bottest

import (
	"slices"
	"strings"
	"unicode/utf8"

	"qiuzhen/bot"
)

// look checks what the reader sees.
func (r *run) look(name string, turn Turn, seen Seen) {
	r.t.Helper()
	text := squeeze(seen.Text)
	if !strings.HasPrefix(text, squeeze(turn.First)) {
		r.t.Errorf("%s (%s%s): begins %q, want %q", name, turn.Say, turn.Press, first(seen.Text), turn.First)
	}
	for _, has := range turn.Has {
		if !strings.Contains(text, squeeze(has)) {
			r.t.Errorf("%s (%s%s): %q does not say %q", name, turn.Say, turn.Press, seen.Text, has)
		}
	}
	for _, not := range turn.Not {
		if strings.Contains(text, squeeze(not)) {
			r.t.Errorf("%s (%s%s): %q says %q", name, turn.Say, turn.Press, seen.Text, not)
		}
	}
	if n := utf8.RuneCountInString(first(seen.Text)); n > 30 { // it is heard alone
		r.t.Errorf("%s: the first line has %d characters: %s", name, n, first(seen.Text))
	}
	if strings.ContainsAny(strings.ReplaceAll(seen.Text, PublicURL, ""), "*#[]<>`") {
		r.t.Errorf("%s: raw marks in %q", name, seen.Text)
	}
}

// compare checks what the reader sees against what the desk said.
func (r *run) compare(name string, turn Turn, seen Seen, said bot.Reply) {
	r.t.Helper()
	if !strings.HasPrefix(squeeze(seen.Text), squeeze(first(said.Text))) {
		r.t.Errorf("%s: the reader sees %q of %q", name, seen.Text, said.Text)
	}
	labels := []string{}
	for _, c := range said.Choices {
		labels = append(labels, c.Label)
	}
	if r.channel.Can().Buttons && !slices.Equal(labels, append([]string{}, seen.Choices...)) {
		r.t.Errorf("%s: buttons %q, want %q", name, seen.Choices, labels)
	}
	if turn.Choices != nil && !slices.Equal(labels, turn.Choices) {
		r.t.Errorf("%s (%s%s): choices %q, want %q", name, turn.Say, turn.Press, labels, turn.Choices)
	}
	decision := string(said.Decision)
	if said.Void != "" {
		decision = "talk"
	}
	if turn.Decision != "" && decision != turn.Decision {
		r.t.Errorf("%s (%s%s): %s, want %s: %s", name, turn.Say, turn.Press, decision, turn.Decision, said.Text)
	}
	class := "no"
	if said.Urgent != nil {
		class = said.Urgent.Class
	}
	if turn.Urgent != "" && class != turn.Urgent {
		r.t.Errorf("%s (%s): danger %s, want %s", name, turn.Say, class, turn.Urgent)
	}
}

// squeeze leaves spaces and line breaks out, and the numbering of a list, which some channels draw themselves, stays.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }

func first(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	return line
}
