package bot

import (
	"fmt"
	"strings"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

// Render words a conclusion for the reader: danger first, then the answer, each entry word for word. Form and tone
// follow the voice guide: short sentences, no Markdown, the first line enough by itself.
func Render(r retrieval.Result) string {
	var parts []string
	if r.Urgent != nil {
		parts = append(parts, r.Urgent.Line+"\n"+r.Urgent.Then)
	}
	if r.Live != nil {
		parts = append(parts, liveLine(*r.Live))
	}
	switch {
	case r.Decision == retrieval.Sure:
		for _, a := range r.Answers {
			parts = append(parts, AnswerText(a.Stored))
		}
	case r.Decision == retrieval.Suggest && r.Live != nil:
		parts = append(parts, "也可以先看看下面的，回复数字就行。\n"+options(r.Candidates))
	case r.Decision == retrieval.Suggest:
		parts = append(parts, which(len(r.Candidates))+"回复数字就行。\n"+options(r.Candidates))
	case r.Urgent == nil && r.Live == nil:
		parts = append(parts, abstainText(r.Void))
	}
	return strings.Join(parts, "\n\n")
}

func liveLine(l retrieval.Live) string {
	if l.Kind == "number" {
		return "这个我查不了，请打反诈专线96110问一问。\n没问清楚之前，不要转账，不要点链接，也不要告诉别人验证码。"
	}
	return "这需要看最新的消息，请以" + l.Channel + "发布的为准。"
}

func which(n int) string {
	if n == 1 {
		return "您问的是下面这个吗？"
	}
	return "您问的是下面哪一个？"
}

// options are the suggestions as they are chosen, and the way out.
func options(candidates []retrieval.Match) string {
	lines := make([]string, len(candidates))
	for i, c := range candidates {
		lines[i] = option(i, c.Short)
	}
	return strings.Join(append(lines, "0 都不是"), "\n")
}

func option(i int, short string) string { return fmt.Sprintf("%d %s", i+1, short) }

func abstainText(v retrieval.Void) string {
	switch v {
	case retrieval.Empty:
		return "您好，刚才没有看到要问的话。\n把想问的事写成一句话发来，或者把收到的消息转给我，就行。"
	case retrieval.LinkOnly:
		return "只有一个链接，里面写的我看不到。\n请把里面的文字复制过来，先不要点开它，也不要填自己的信息。"
	case retrieval.NoClaim:
		return "这条消息里没有说是什么事，我没法查。\n请把完整的那一条转给我，先不要转发给别人。"
	}
	return "这个我还没有查证过，不能乱说。\n在弄清楚之前，先不要转发，也不要照着做。\n" +
		"着急的话：身体的事打12320，怕是诈骗打96110，别的事打12345。"
}

// maxSourceLines keeps an answer short enough to be read aloud; citations in JSON have every source.
const maxSourceLines = 2

// AnswerText is one entry, told: the first line, why, what to do, who says so.
func AnswerText(s retrieval.Stored) string {
	lines, steps := []string{s.FirstLine()}, s.Steps()
	if s.Kind == knowledge.Rebuttal {
		lines = append(lines, "核查的说法："+knowledge.Closed(s.CanonicalClaim()), knowledge.Closed(s.Summary), "可以这样做：")
	} else {
		lines = append(lines, knowledge.Closed(s.Summary))
		if len(steps) > 0 {
			lines = append(lines, "接着这样做：")
		}
	}
	lines = append(lines, numbered(steps)...)
	lines = append(lines, sourceLines(s, maxSourceLines)...)
	if len(s.Regions) > 0 {
		lines = append(lines, "适用地区："+strings.Join(s.RegionNames(), "、"))
	}
	return strings.Join(append(lines, vouch(s)...), "\n")
}

func vouch(s retrieval.Stored) []string {
	var lines []string
	if s.Provenance.Shared() {
		lines = append(lines, "转自："+s.Provenance.City)
	}
	if !s.Signed {
		return append(lines, knowledge.UnsignedLine)
	}
	if s.Emergency {
		lines = append(lines, knowledge.EmergencyLine)
	}
	for _, r := range s.Reviews {
		lines = append(lines, "审核："+r.Line())
	}
	return lines
}
