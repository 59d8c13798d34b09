package cases

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
	"qiuzhen/text"
)

// frames are lines that are the service's own and say nothing of the matter. Each is exactly this: what stands after one of them on its line is not
// the service's.
var frames = []string{
	"可以这样做：", "接着这样做：", "还可以回：为什么、转发、没用。", "想接着问哪一条，就回“第一个”或者“第二个”。", knowledge.UnsignedLine, knowledge.EmergencyLine,
}

// ownLines are the frames and what is said of dangers.
var ownLines = sync.OnceValue(func() map[string]bool {
	own := map[string]bool{}
	for _, line := range slices.Concat(frames, retrieval.DangerLines()) {
		own[line] = true
	}
	return own
})

var (
	numbering = regexp.MustCompile(`^[0-9]{1,2}\. ?`)
	// currentFact is what is said when a current fact is asked for, whoever publishes it.
	currentFact = regexp.MustCompile(`^这需要看最新的消息，请以[^，。]{1,40}发布的为准。$`)
	quoted      = regexp.MustCompile(`^“([^“”]*)”[。！？]?$`)
)

const (
	quotesClaim = "核查的说法："
	namesSource = "来源："
)

// vouched is what a reply may say of the matter, in the words of the entries that it quotes.
type vouched struct {
	told   map[string]bool // sentences, and whole passages
	claims map[string]bool // which nobody vouches for: to be named as claims only
	lines  map[string]bool // sources, regions and signers, as lines
}

func (o Outcome) vouched() vouched {
	v := vouched{map[string]bool{}, map[string]bool{}, map[string]bool{}}
	for _, a := range o.Answers {
		for _, p := range a.Passages {
			addSentences(v.told, p)
		}
		for _, c := range a.Claims {
			addSentences(v.claims, c)
		}
		for _, s := range a.Sources {
			v.lines[namesSource+knowledge.Source{Institution: s.Institution, Title: s.Title, Date: s.Date}.Line()] = true
		}
		for _, line := range a.Vouching {
			v.lines[line] = true
		}
	}
	return v
}

func addSentences(to map[string]bool, passage string) {
	for _, s := range append(text.Sentences(passage), passage) {
		to[plain(s)] = true
	}
	for line := range strings.Lines(passage) {
		to[plain(line)] = true
	}
}

// unsupported are the sentences of the whole reply that do not stand in what the entries say, and lines that name a source or a signer that they do not
// have. Marks and spaces do not count.
func (o Outcome) unsupported() []string {
	var found []string
	v := o.vouched()
	for line := range strings.Lines(o.Reply) {
		line = strings.TrimSpace(line)
		if line == "" || ownLines()[line] || v.lines[line] || currentFact.MatchString(line) {
			continue
		}
		found = append(found, v.missing(line)...)
	}
	return found
}

// missing are the sentences of a line that nobody vouches for.
func (v vouched) missing(line string) []string {
	if claim, ok := strings.CutPrefix(line, quotesClaim); ok {
		if v.names(claim) {
			return nil
		}
		return []string{line}
	}
	var found []string
	said := strings.TrimSpace(numbering.ReplaceAllString(line, ""))
	if v.told[plain(line)] || v.told[plain(said)] {
		return nil
	}
	for _, s := range text.Sentences(said) {
		words := plain(s)
		quote := quoted.FindStringSubmatch(s)
		if words != "" && !v.told[words] && (quote == nil || !v.names(quote[1])) {
			found = append(found, s)
		}
	}
	return found
}

// names reports whether a text is a claim of the entries; in runs from before claims were noted apart they are among the passages.
func (v vouched) names(claim string) bool {
	return v.claims[plain(claim)] || v.told[plain(claim)]
}

// sentencesOf are what an answer says of the matter, for measuring how it reads: without the service's own lines and the numbers of steps.
func sentencesOf(answer string) []string {
	var out []string
	for _, line := range strings.Split(answer, "\n") {
		line = strings.TrimSpace(numbering.ReplaceAllString(strings.TrimPrefix(strings.TrimSpace(line), quotesClaim), ""))
		if line == "" || ownLines()[line] || strings.HasSuffix(line, "：") || isVouching(line) {
			continue
		}
		out = append(out, text.Sentences(line)...)
	}
	return out
}

func isVouching(line string) bool {
	return slices.ContainsFunc([]string{namesSource, "审核：", "适用地区：", "转自："}, func(prefix string) bool { return strings.HasPrefix(line, prefix) })
}

// plain is a text as wordings are compared: normalised, its letters and digits alone.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text.Normalize(s))
}
