package cases

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The words that fields may hold. A test holds docs/schemas/case.schema.json to them.
var (
	splits    = []string{"gate", "tune"}
	channels  = []string{"web", "telegram", "wechat"}
	decisions = []string{"answer", "suggest", "abstain", "any"}
	verdicts  = []string{"false", "misleading", "partly_true", "true", "unproven"}
	liveKinds = []string{"weather", "earthquake", "outbreak", "number", "policy", "service"}
	topics    = []string{"health", "fraud", "disaster", "rumour", "none"}
	risks     = []string{"high", "low"}
	styles    = []string{
		"plain", "forward", "dialect", "typo", "homophone", "traditional", "negated", "number", "two_claims", "injection", "off_topic", "multi_turn", "near_miss", "short",
	}
	kinds    = []string{"entry", "absent", "swapped", "urgent", "lookalike", "live", "timeless", "two_claims", "injection", "multi_turn"}
	statuses = []string{"draft", "annotated", "adjudicated", "approved", "locked"}
)

// Numbers are the telephone numbers of the classes of danger, as authorities publish them: kept apart from the patterns, which they judge.
var Numbers = map[string]string{
	"suicide": "12356", "choking": "120", "poisoning": "120", "stroke": "120", "heart": "120", "electricity": "120", "drowning": "120",
	"injury": "120", "gas": "119", "fire": "119", "disaster": "119", "missing": "110", "abuse": "110", "scam": "96110",
}

var (
	idPattern     = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)
	regionPattern = regexp.MustCompile(`^[0-9]{6}$`)
)

// caseComplaints is all that is wrong with a case by itself.
func caseComplaints(c Case, known Known) []string {
	var found []string
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	add(!idPattern.MatchString(c.ID), "id %q 只能有小写字母、数字和-，最多64个", c.ID)
	add(strings.TrimSpace(c.Family) == "", "family_id 是空的")
	add(c.Version < 1, "version 是%d，从1数起", c.Version)
	add(strings.TrimSpace(c.Provenance) == "", "provenance 是空的：谁写的，看过什么")
	add(c.Region != "" && !regionPattern.MatchString(c.Region), "region %q 不是六位的行政区划代码", c.Region)
	_, err := time.Parse(time.DateOnly, c.AsOf)
	add(err != nil, "as_of %q 不是 2006-01-02 这样的日期", c.AsOf)
	add(c.Of != "" && c.Of == c.ID, "perturbation_of 指的是自己")
	add(c.Status != "draft" && len(c.Reviewers) == 0, "status 是 %s，却没有 reviewers", c.Status)
	add(repeats(c.Reviewers), "reviewers 里有重复")
	found = append(found, turnComplaints(c.Turns)...)
	for _, w := range []struct {
		name, is string
		of       []string
		may      bool // be empty
	}{
		{"split", c.Split, splits, false}, {"channel", c.Channel, channels, false}, {"status", c.Status, statuses, false},
		{"expect.decision", c.Expect.Decision, decisions, false}, {"expect.verdict", c.Expect.Verdict, verdicts, true},
		{"expect.urgent", c.Expect.Urgent, sortedKeys(Numbers), true}, {"expect.live", c.Expect.Live, liveKinds, true},
		{"slices.topic", c.Slices.Topic, topics, false}, {"slices.risk", c.Slices.Risk, risks, false}, {"slices.kind", c.Slices.Kind, kinds, true},
	} {
		add(!slices.Contains(w.of, w.is) && (w.is != "" || !w.may), "%s 是 %q，只能是 %s", w.name, w.is, strings.Join(w.of, "、"))
	}
	for _, style := range c.Slices.Style {
		add(!slices.Contains(styles, style), "slices.style 里的 %q，只能是 %s", style, strings.Join(styles, "、"))
	}
	add(len(c.Slices.Style) == 0, "slices.style 是空的")
	if what := known.Locked.complaint(c); what != "" {
		found = append(found, what)
	}
	return append(found, expectComplaints(c, known)...)
}

func turnComplaints(turns []string) []string {
	var found []string
	if len(turns) == 0 || len(turns) > maxTurns {
		found = append(found, fmt.Sprintf("turns 有%d句，要1到%d句", len(turns), maxTurns))
	}
	for i, t := range turns {
		switch n := utf8.RuneCountInString(t); {
		case strings.TrimSpace(t) == "":
			found = append(found, fmt.Sprintf("turns 的第%d句是空的", i+1))
		case n > maxTurn:
			found = append(found, fmt.Sprintf("turns 的第%d句有%d个字，最多%d", i+1, n, maxTurn))
		}
	}
	return found
}

// expectComplaints is what is wrong with what a case expects: contradictions, and labels that are missing.
func expectComplaints(c Case, known Known) []string {
	var found []string
	add := func(wrong bool, format string, args ...any) {
		if wrong {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	e := c.Expect
	add(e.Decision == "answer" && len(e.Entries) == 0, "要回答，却没有写 expect.entries")
	add(e.Decision == "abstain" && len(e.Entries) > 0, "要说没有查到，却写了 expect.entries")
	add(e.Verdict != "" && len(e.Entries) == 0, "有 expect.verdict，没有 expect.entries")
	add(c.Slices.Kind == "urgent" && e.Urgent == "", "这是危险（kind urgent），却没有标 expect.urgent 的类别")
	add(c.Slices.Kind == "lookalike" && e.Urgent != "", "像危险而不是（kind lookalike），却标了 expect.urgent")
	add(c.Slices.Kind == "live" && e.Live == "", "问的是眼前的事（kind live），却没有标 expect.live")
	add(c.Slices.Kind == "absent" && len(e.Entries) > 0, "没有条目能回答（kind absent），却写了 expect.entries")
	add(c.Slices.Kind == "swapped" && len(e.Wrong) == 0, "说反了的话（kind swapped），却没有写 expect.wrong")
	add(c.Slices.Kind == "two_claims" && len(e.Entries) < 2, "两件事（kind two_claims），expect.entries 却不到两条")
	add(c.Slices.Kind == "multi_turn" && len(c.Turns) < 2, "多轮（kind multi_turn），turns 却只有一句")
	add(e.Live != "" && e.Decision == "answer", "问的是眼前的事，不能要肯定的回答")
	add(repeats(e.Entries), "expect.entries 里有重复")
	for _, k := range e.KeyPoints {
		add(strings.TrimSpace(k.Text) == "", "有一个 key_point 没有 text")
		add(!(k.Weight > 0 && k.Weight <= 100), "key_point “%s” 的 weight 是%g，要大于0，最多100", k.Text, k.Weight)
		add(slices.Contains(k.Aliases, ""), "key_point “%s” 有空的 alias", k.Text)
	}
	add(slices.Contains(e.Forbidden, ""), "expect.forbidden 里有空的一条，什么回复都会算犯了")
	for _, id := range slices.Compact(slices.Sorted(slices.Values(slices.Concat(e.Entries, e.Wrong)))) {
		verdict, ok := known.Entries[id]
		add(known.Entries != nil && !ok, "没有 %s 这个条目", id)
		add(ok && len(e.Entries) == 1 && id == e.Entries[0] && verdict != e.Verdict && (e.Verdict != "" || e.Decision == "answer"), "expect.verdict 是 %q，%s 的却是 %q", e.Verdict, id, verdict)
		add(slices.Contains(e.Entries, id) && slices.Contains(e.Wrong, id), "%s 又在 entries 又在 wrong", id)
	}
	return found
}

func repeats(of []string) bool {
	seen := map[string]bool{}
	for _, s := range of {
		if seen[s] {
			return true
		}
		seen[s] = true
	}
	return false
}
