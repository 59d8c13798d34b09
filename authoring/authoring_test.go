package authoring

import (
	"context"
	"strings"
	"testing"

	"qiuzhen/knowledge"
)

func TestRead(t *testing.T) {
	plain := knowledge.Entry{
		Kind: knowledge.Guide, Summary: "发烧先量体温。", Actions: []string{"多喝温水。"}, Body: "烧到三十九度，要去医院。\n\n家里备一支体温表。",
	}
	long := strings.Repeat("老人家发烧的时候", 5) + "，" + strings.Repeat("要多喝水", 3) + "。"
	for _, c := range []struct {
		name  string
		edit  func(*knowledge.Entry)
		first string
		field string // of the one note; "": none
		what  string
	}{
		{"plain", func(*knowledge.Entry) {}, "多喝温水。", "", ""},
		{"a long sentence", func(e *knowledge.Entry) { e.Body += "\n" + long }, "", "body", "这一句有53个字"},
		{"words of offices", func(e *knowledge.Entry) { e.Actions[0] = "务必及时就医。" }, "", "actions[0]", "“务必”“及时”“就医”"},
		{"everyday compounds", func(e *knowledge.Entry) { e.Actions[0] = "用食用油，喝饮用水。" }, "", "", ""},
		{"the name of a paper", func(e *knowledge.Entry) { e.Body += "\n见《诊疗应当及时指南》。" }, "", "", ""},
		{"jargon", func(e *knowledge.Entry) { e.Summary = "脑卒中要马上打120。" }, "", "summary", "“脑卒中”是行话"},
		{"jargon explained", func(e *knowledge.Entry) { e.Summary = "脑卒中就是中风，马上打120。" }, "", "", ""},
		{"letters", func(e *knowledge.Entry) { e.Body += "\n打开Settings。" }, "", "body", "外文“Settings”"},
		{"letters on things", func(e *knowledge.Entry) { e.Body += "\n戴N95口罩，补维生素C。" }, "", "", ""},
		{"four actions", func(e *knowledge.Entry) { e.Actions = []string{"看。", "听。", "问。", "想。"} }, "", "actions", "有4步"},
		{"a list of five", func(e *knowledge.Entry) {
			e.Body = "这样做：\n1. 看。\n2. 听。\n\n3. 问。\n4. 想。\n5. 说。"
		}, "", "body", "一串列了5步"},
		{"a list of three", func(e *knowledge.Entry) { e.Body = "一、看。\n二、听。\n三、问。\n然后回家。" }, "", "", ""},
		{"a long first line", func(*knowledge.Entry) {}, strings.Repeat("长", 31), "第一句", "有31个字"},
		{"hard all over", func(e *knowledge.Entry) {
			e.Body = strings.Repeat("家里的老人有了这样的情形以后就要马上叫上邻居一起送到最近的大医院里去看一看才行。", 3) + "务必应当严禁切勿予以拨打佩戴前往摄入途径措施。"
		}, "", "全文", "难度"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := plain
			e.Actions = []string{plain.Actions[0]}
			c.edit(&e)
			r := Read(e, c.first)
			found := false
			for _, n := range r.Notes {
				if n.Suggestion == "" {
					t.Errorf("no suggestion: %+v", n)
				}
				found = found || n.Field == c.field && strings.Contains(n.What, c.what)
			}
			if c.field == "" && len(r.Notes) > 0 || c.field != "" && !found {
				t.Errorf("got %+v, want %s: %s", r.Notes, c.field, c.what)
			}
		})
	}
}

func TestDifficulty(t *testing.T) {
	r := Read(knowledge.Entry{Summary: "一二三四五六七八九十。务必看一看听一听想想。"}, "")
	// 20 characters in two sentences, one stiff word: 10 a sentence, 5 a hundred
	if r.MeanSentence != 10 || r.HardPer100 != 5 || r.Difficulty != 30 {
		t.Errorf("%+v", r)
	}
	if empty := Read(knowledge.Entry{}, ""); empty.Difficulty != 0 || len(empty.Notes) > 0 {
		t.Errorf("%+v", empty)
	}
}

// fixed is a store with one neighbour.
type fixed Neighbour

func (f fixed) Neighbours(context.Context, knowledge.ID, int, string, float64) ([]Neighbour, error) {
	return []Neighbour{Neighbour(f)}, nil
}

func (fixed) Comparable(context.Context, knowledge.ID, int, string) (bool, error) { return true, nil }

// denies is a simple stand-in for retrieval.Compare: 不 denies, digits are numbers.
func denies(a, b string) (contrary, numbers, alike bool) {
	digits := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			return -1
		}, s)
	}
	return strings.Contains(a, "不") != strings.Contains(b, "不"), digits(a) != digits(b), true
}

func TestPairs(t *testing.T) {
	const same, other, contrary = "大蒜杀病毒", "吃大蒜能杀病毒", "吃大蒜不能杀病毒"
	mine := func(v knowledge.Verdict, claim string) knowledge.Entry {
		return knowledge.Entry{ID: "mine", Kind: knowledge.Rebuttal, Verdict: v, Claims: []string{claim}}
	}
	guide := knowledge.Entry{ID: "mine", Kind: knowledge.Guide, Questions: []string{same}, Actions: []string{"用流动的凉水冲洗30分钟。"}}
	for _, c := range []struct {
		name   string
		mine   knowledge.Entry
		theirs knowledge.Verdict
		claim  string
		cosine float64
		mean   float64
		want   PairKind
	}{
		{"other verdict", mine(knowledge.True, same), knowledge.False, other, .95, .8, Contradiction},
		{"undecided against false", mine(knowledge.Unproven, same), knowledge.Misleading, other, .95, .8, Contradiction},
		{"false and misleading are on one side", mine(knowledge.False, same), knowledge.Misleading, other, .95, .8, Duplicate},
		{"same verdict", mine(knowledge.False, same), knowledge.False, other, .95, .8, Duplicate},
		{"contrary claim, contrary verdict", mine(knowledge.True, contrary), knowledge.False, other, .95, .8, ""},
		{"contrary claim, same verdict", mine(knowledge.False, contrary), knowledge.False, other, .95, .8, Contradiction},
		{"near on average alone: shown, not blocking", mine(knowledge.True, same), knowledge.False, other, .80, .78, Duplicate},
		{"not near enough", mine(knowledge.True, same), knowledge.False, other, .85, .7, ""},
		{"another number", mine(knowledge.True, "大蒜3天杀病毒"), knowledge.False, "大蒜5天杀病毒", .95, .8, ""},
		{"another subject", mine(knowledge.True, "生姜杀病毒"), knowledge.False, other, .95, .8, ""},
		{"a guide on it", guide, knowledge.False, other, .95, .8, Duplicate},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := Neighbour{
				Entry:   knowledge.Entry{ID: "theirs", Kind: knowledge.Rebuttal, Verdict: c.theirs, Claims: []string{c.claim}},
				Version: 2, Status: knowledge.Published, Mean: c.mean,
				Near: []Near{{Mine: c.mine.CanonicalClaim(), Theirs: c.claim, Cosine: c.cosine}},
			}
			r, err := Checker{Store: fixed(n), Compare: denies}.Check(context.Background(), c.mine, 1)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" && len(r.Pairs) > 0 || c.want != "" && (len(r.Pairs) != 1 || r.Pairs[0].Kind != c.want || r.Pairs[0].Other != "theirs" || r.Pairs[0].Why == "") {
				t.Errorf("%+v, want %q", r.Pairs, c.want)
			}
			if blocking := len(r.Contradictions()) > 0; blocking != (c.want == Contradiction) {
				t.Errorf("blocking: %t", blocking)
			}
			n.Status = knowledge.InReview
			r, _ = Checker{Store: fixed(n), Compare: denies}.Check(context.Background(), c.mine, 1)
			if len(r.Contradictions()) > 0 {
				t.Error("what is only under review stops it")
			}
		})
	}
}

func TestAdvicePairs(t *testing.T) {
	mine := knowledge.Entry{ID: "mine", Kind: knowledge.Guide, Questions: []string{"烫伤怎么办"}, Actions: []string{"马上用流动的凉水冲洗30分钟。"}}
	for action, want := range map[string]PairKind{
		"马上用流动的凉水冲洗30分钟。": "", "马上用流动的凉水冲洗10分钟。": Numbers, "不要马上用流动的凉水冲洗30分钟。": Opposed, "涂一点药膏，包起来，不要碰水。": "",
	} {
		n := Neighbour{
			Entry: knowledge.Entry{ID: "theirs", Kind: knowledge.Guide, Questions: []string{"烫伤咋办"}, Actions: []string{action}},
			Mean:  .9, Near: []Near{{Mine: "烫伤怎么办", Theirs: "烫伤咋办", Cosine: .95}},
		}
		r, err := Checker{Store: fixed(n), Compare: denies}.Check(context.Background(), mine, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Pairs[0].Kind; want == "" && len(r.Pairs) != 1 || want != "" && got != want {
			t.Errorf("%s: %+v, want %q", action, r.Pairs, want)
		}
	}
}
