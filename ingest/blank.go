package ingest

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"qiuzhen/knowledge"
	"qiuzhen/text"
)

// blankSlug is how much of a new entry's id tells its title, in bytes.
const blankSlug = 40

// Blank is the source of an entry that somebody begins: every field that it needs, with a word on each in a comment, which saving drops. wording
// is how readers put it; empty: as the title does.
func Blank(kind knowledge.Kind, topic knowledge.Topic, title, wording string) string {
	unique := make([]byte, 3)
	_, _ = rand.Read(unique) // never fails
	if wording == "" {
		wording = title
	}
	wordings := "claims: # 网上流传的各种说法，一行一种，至少4种"
	verdict := `verdict: "" # 引号里写 false（谣言）、misleading（误导）、partly_true（部分属实）、true（属实）或 unproven（尚无定论）` + "\n"
	if kind == knowledge.Guide {
		wordings, verdict = "questions: # 读者的各种问法，一行一种，至少4种", ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "---\nid: %s\nkind: %s\ntopic: %s\n", text.Slug(title, blankSlug, hex.EncodeToString(unique)), kind, topic)
	fmt.Fprintf(&b, "title: %s\nshort: \"\" # 短名，最多%d个字\n%s%s\n  - %s\n", strconv.Quote(title), maxShort, verdict, wordings, strconv.Quote(oneLine(wording)))
	b.WriteString("negatives: # 看着像、其实不是这一条的话，至少1句\n  - \"\"\n")
	fmt.Fprintf(&b, "summary: \"\" # 为什么，最多%d个字\nactions: # 怎么做，最多%d条，每条最多%d个字\n  - \"\"\n", maxSummary, maxActions, maxAction)
	b.WriteString(`sources: # 出处，只写自己真的读过的
  - institution: "" # 机构
    title: "" # 文件或文章的标题
    date: "" # 哪天发布的，如 2026-05-06
    url: "" # 网址；没有网址就写文号，把 url 改成 number
    read: {date: "", where: ""} # 哪天读的，在哪里读到的
---

`)
	return b.String()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
