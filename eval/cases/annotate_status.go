package cases

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Progress is how far the review of a set of cases has come.
type Progress struct {
	Cases     int                       `json:"cases"`
	Statuses  map[string]map[string]int `json:"statuses"` // by split and status
	Half      int                       `json:"half"`     // drafts with one label
	Differ    []string                  `json:"differ"`   // labels differ: to be settled
	Wrong     []string                  `json:"wrong"`    // the experts conclude something else than the case expects
	ToSign    []string                  `json:"to_sign"`
	Agreement []Agreement               `json:"agreement"`
}

// ProgressOf counts reviews.
func ProgressOf(all []Reviewed) Progress {
	p := Progress{Cases: len(all), Statuses: map[string]map[string]int{}, Differ: []string{}, Wrong: []string{}, ToSign: []string{}, Agreement: Agreements(all)}
	for _, r := range all {
		if p.Statuses[r.Case.Split] == nil {
			p.Statuses[r.Case.Split] = map[string]int{}
		}
		p.Statuses[r.Case.Split][r.Status]++
		switch {
		case r.Status == "draft" && len(r.Given) > 0:
			p.Half++
		case r.Status == "annotated" && r.Differ():
			p.Differ = append(p.Differ, r.Case.ID)
		case r.Status != "approved" && r.Status != "locked" && r.Wrong():
			p.Wrong = append(p.Wrong, r.Case.ID)
		case r.ToSign():
			p.ToSign = append(p.ToSign, r.Case.ID)
		}
	}
	return p
}

var statusWords = map[string]string{"draft": "没有标完", "annotated": "两人标完", "adjudicated": "裁定过", "approved": "专家签了", "locked": "锁定"}

var fieldWords = map[string]string{"decision": "应当怎么回", "entries": "用哪条回答", "verdict": "结论", "urgent": "有没有危险", "live": "要不要实时消息"}

// WriteProgress says how far the review has come, and what waits for whom.
func WriteProgress(w io.Writer, all []Reviewed) error {
	p, out := ProgressOf(all), &bytes.Buffer{}
	fmt.Fprintf(out, "用例 %d 个\n", p.Cases)
	for _, split := range sortedKeys(p.Statuses) {
		fmt.Fprintf(out, "  %s：", split)
		for i, status := range statuses {
			if i > 0 {
				out.WriteString("，")
			}
			fmt.Fprintf(out, "%s %d", statusWords[status], p.Statuses[split][status])
		}
		out.WriteString("\n")
	}
	if p.Half > 0 {
		fmt.Fprintf(out, "  没有标完的里面，%d 个已经有一个人标了，先导出的就是这些\n", p.Half)
	}
	if len(p.Agreement) > 0 {
		out.WriteString("\n一致程度（两个人以上标过的；括号里是95%的区间）\n")
		for _, a := range p.Agreement {
			fmt.Fprintf(out, "  %s：%d 个用例，写得一样的 %.1f%%（%.1f–%.1f）；%s %s\n", fieldWords[a.Field], a.Cases, 100*a.Alike.Value, 100*a.Alike.Low, 100*a.Alike.High, a.Measure, a.figure())
		}
	}
	byID := map[string]Reviewed{}
	for _, r := range all {
		byID[r.Case.ID] = r
	}
	beside(out, "标得不同，等第三个人裁定（eval annotate adjudicate 编号 --like 登录名 --reason 理由）", p.Differ, byID)
	beside(out, "专家的结论和用例写的不同：改用例文件，version 加1，再 eval annotate export 收进来（读者的话没有改，标注还算数），然后签", p.Wrong, byID)
	if len(p.ToSign) > 0 {
		fmt.Fprintf(out, "\n等专家签字 %d 个（eval annotate approve）：%s\n", len(p.ToSign), some(p.ToSign))
	}
	_, err := w.Write(out.Bytes())
	return err
}

// figure is the coefficient with its interval.
func (a Agreement) figure() string {
	switch {
	case a.Value == nil:
		return "算不出：大家选的都是同一个"
	case a.Low == nil:
		return fmt.Sprintf("%.2f（用例太少，没有区间）", *a.Value)
	}
	return fmt.Sprintf("%.2f（%.2f–%.2f）", *a.Value, *a.Low, *a.High)
}

// beside shows cases with what each person said of them, under each other.
func beside(out *bytes.Buffer, title string, ids []string, byID map[string]Reviewed) {
	if len(ids) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s：%d 个\n", title, len(ids))
	for _, id := range ids {
		r := byID[id]
		fmt.Fprintf(out, "  %s  %s\n", id, excerpt(r.Case))
		for _, g := range r.Given {
			fmt.Fprintf(out, "      %s（%s）：%s%s\n", g.Name, g.Login, r.Case.Words(g.Label), remarked(oneRow(g.Remark)))
		}
		if r.Settled != nil {
			fmt.Fprintf(out, "      裁定 %s：%s%s\n", r.Settled.Name, r.Case.Words(r.Settled.Label), remarked(oneRow(r.Settled.Remark)))
		}
		if r.Wrong() {
			fmt.Fprintf(out, "      用例写的：%s\n", r.Case.ExpectedWords())
		}
	}
}

func excerpt(c Case) string {
	const most = 50 // characters
	s := oneRow(c.Turns[len(c.Turns)-1])
	if utf8.RuneCountInString(s) > most {
		return string([]rune(s)[:most]) + "…"
	}
	return s
}

func oneRow(s string) string { return strings.Join(strings.Fields(s), " ") }

func some(ids []string) string {
	const most = 10
	if len(ids) > most {
		return strings.Join(ids[:most], "、") + "……"
	}
	return strings.Join(ids, "、")
}

// Record returns a case file with the status and the signers that the store has of its cases, and how many lines that changed. All else stays
// as it is, byte for byte.
func Record(data []byte, reviewed []Reviewed) (out []byte, changed int, err error) {
	for line := range bytes.Lines(data) {
		var c Case
		if err := json.Unmarshal(line, &c); err != nil {
			return nil, 0, fmt.Errorf("有一行不是用例：%w", err)
		}
		now := c
		if slices.ContainsFunc(reviewed, func(r Reviewed) bool {
			return r.Case.ID == c.ID && r.Case.Version == c.Version && r.Case.Hash() == c.Hash()
		}) {
			now = WithReviews([]Case{c}, reviewed)[0]
		}
		if now.Status == c.Status && strings.Join(now.Reviewers, ",") == strings.Join(c.Reviewers, ",") {
			out = append(out, line...)
			continue
		}
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(now); err != nil {
			return nil, 0, err
		}
		out, changed = append(out, text.Bytes()...), changed+1
	}
	return out, changed, nil
}
