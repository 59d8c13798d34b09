package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/net/html"

	"qiuzhen/eval/cases"
)

// outcome is a case of a kind that nothing is wrong with: nothing answers it, and so it is said.
func outcome(kind string, i int) cases.Outcome {
	return cases.Outcome{
		Case: cases.Case{
			ID: fmt.Sprintf("%s-%d", strings.ReplaceAll(kind, "_", "-"), i), Family: fmt.Sprint("family-", i%5), Version: 1, Split: "gate",
			Turns: []string{fmt.Sprintf("%s第%d句", kind, i)}, Channel: "web", AsOf: "2026-11-27", Provenance: "test", Reviewers: []string{}, Status: "draft",
			Expect: cases.Expect{Decision: "abstain", Entries: []string{}, KeyPoints: []cases.KeyPoint{}, Forbidden: []string{}},
			Slices: cases.Slices{Topic: []string{"health", "fraud"}[i%2], Risk: "low", Style: []string{"plain"}, Kind: kind},
		},
		Reply: "这个我还没有查证过，不能乱说。", Decision: "abstain", Answers: []cases.Answer{}, Offered: []string{},
		Candidates: []cases.Candidate{{Entry: "alcohol-virus", Title: "喝白酒杀病毒吗", Verdict: "false", Score: .25, Passage: "喝白酒能杀病毒"}}, TookMS: 12,
	}
}

func answered(o cases.Outcome) cases.Outcome {
	o.Decision, o.Reply = "answer", "“喝白酒杀病毒”是谣言，不要转发。"
	o.Answers = []cases.Answer{{Entry: "alcohol-virus", Version: 3, Published: true, Current: true, Verdict: "false", Score: .9, Text: o.Reply, Passages: []string{o.Reply}, Citations: []cases.Citation{}, Sources: []cases.Citation{}}}
	return o
}

// someRun has twenty cases of each of two kinds; of those without an entry as many as asked are answered.
func someRun(falseMatches int) cases.Run {
	r := cases.Run{ID: "20261127-1", Manifest: cases.Manifest{Content: "some", Commit: "abc", Settings: map[string]string{"embedder": "onnx"}}}
	for i := range 20 {
		absent, urgent := outcome("absent", i), outcome("urgent", i)
		if i < falseMatches {
			absent = answered(absent)
		}
		urgent.Case.Expect.Urgent, urgent.Case.Expect.Decision = "stroke", "any"
		urgent.Urgent, urgent.Number, urgent.Reply = "stroke", "120", "请马上打120，可能是中风。"
		r.Outcomes = append(r.Outcomes, absent, urgent)
	}
	sealed(&r)
	return r
}

func sealed(r *cases.Run) {
	all := make([]cases.Case, len(r.Outcomes))
	for i, o := range r.Outcomes {
		all[i] = o.Case
	}
	r.Manifest.Cases = cases.SetHash(all)
}

func gatesOf(t testing.TB, text string) cases.Gates {
	t.Helper()
	gates, complaints := cases.ReadGates("gates.toml", []byte(text))
	if len(complaints) > 0 {
		t.Fatal(complaints)
	}
	return gates
}

const strict = "[hard]\nfalse_match = { max = 0 }\n[soft]\nurgent_recall = { min = 1 }\n"

func written(t testing.TB, write func(w *bytes.Buffer) error) string {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func htmlOf(t testing.TB, r Report) string {
	return written(t, func(w *bytes.Buffer) error { return r.WriteHTML(w) })
}

// TestSays: what somebody who decides on a release asks stands there, in each situation.
func TestSays(t *testing.T) {
	signed, other := someRun(0), someRun(2)
	for i := range signed.Outcomes {
		signed.Outcomes[i].Case.Status, signed.Outcomes[i].Case.Reviewers = "approved", []string{"chen"}
	}
	sealed(&signed)
	for i := range other.Outcomes {
		other.Outcomes[i].Case.ID += "-other"
	}
	void := someRun(1)
	void.Outcomes[0].Error = "connection refused"
	was := func(r cases.Run) *cases.Run { return &r }
	for _, c := range []struct {
		name     string
		run      cases.Run
		against  *cases.Run
		says     []string
		saysNone []string
	}{
		{"sound", someRun(0), nil, []string{"可以发布：门槛都过了。", "暂定", "40个用例", "没有给前一次的评测", "一个也没有。"}, []string{"没有过的门槛", "<script"}},
		{"signed", signed, nil, []string{"可以发布：门槛都过了。", "全部审定", "100%"}, []string{"暂定"}},
		{"refused", someRun(2), nil, []string{
			"不能发布：1道门槛没有过。", "没有条目却回答了 10%", "（20个里2个，95%区间 2.8%～30.1%），要求：一个也不能有。", `href="#f-false_match">看这2个用例`,
			"没有条目却回答了（2个）", `id="c-absent-1"`, "absent第1句", "用了 alcohol-virus 第3版（谣言），把握0.90", "说没有查到", "<b>0.250</b> 喝白酒杀病毒吗", "“喝白酒杀病毒”是谣言，不要转发。",
		}, nil},
		{"void", void, nil, []string{"不能发布：这次评测不作数。", "有1个用例没有问成", "没有跑成：connection refused"}, nil},
		{"empty", cases.Run{}, nil, []string{"不能发布：这次评测不作数。", "里面没有一个用例的结果", "没有测到这一项", "没有可画的用例"}, nil},
		{"worse", someRun(12), was(someRun(0)), []string{"新坏掉</dt><dd><strong>12个", "没有条目却回答了：0% → 60%，变差了", `href="#c-absent-3"`, "<em>新坏掉</em>"}, nil},
		{"better", someRun(0), was(someRun(12)), []string{"新修好</dt><dd><strong>12个", "没有一项指标肯定变差了", "变好了"}, nil},
		{"nothing in common", other, was(someRun(0)), []string{"没有一个相同的用例，没法比"}, nil},
	} {
		page := htmlOf(t, New(c.run, gatesOf(t, strict), c.against))
		for _, want := range c.says {
			if !strings.Contains(page, want) {
				t.Errorf("%s: %q is not there", c.name, want)
			}
		}
		for _, none := range c.saysNone {
			if body := page[strings.Index(page, "<body>"):]; strings.Contains(body, none) {
				t.Errorf("%s: %q is there", c.name, none)
			}
		}
	}
}

var asksOutside = regexp.MustCompile(`(?i)(src|srcset|data|poster|background|action)=|@import|url\(|href="[^#]|https?://`)

// TestStandsAlone: the file asks for nothing, its policy allows its own script and style and nothing else, and it is the same each time.
func TestStandsAlone(t *testing.T) {
	run := someRun(3)
	run.Outcomes[0].Case.Turns = []string{`<script>alert(1)</script><img src=x onerror=alert(2)>"'>` + "\x1b[2J\u202e"}
	report := New(run, gatesOf(t, strict), nil)
	page := htmlOf(t, report)
	if again := htmlOf(t, New(run, gatesOf(t, strict), nil)); again != page {
		t.Error("written twice it differs")
	}
	own := strings.ReplaceAll(page, `&lt;img src=x`, "")
	if found := asksOutside.FindString(own); found != "" {
		t.Errorf("it has %q", found)
	}
	if strings.ContainsAny(page, "\x1b\u202e") || strings.Contains(page, "<script>alert") {
		t.Error("a reader's text is taken for more than text")
	}
	content := regexp.MustCompile(`(?s)<(style|script)>(.*?)</(?:style|script)>`).FindAllStringSubmatch(page, -1)
	if len(content) != 2 {
		t.Fatalf("%d scripts and styles", len(content))
	}
	for _, m := range content {
		if want := m[1] + "-src '" + hashOf(m[2]) + "'"; !strings.Contains(strings.ReplaceAll(page, "&#43;", "+"), strings.ReplaceAll(want, "'", "&#39;")) {
			t.Errorf("the policy does not allow the %s that is there", m[1])
		}
	}
	seen := map[string]bool{}
	for _, id := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if seen[id[1]] {
			t.Errorf("two elements are %s", id[1])
		}
		seen[id[1]] = true
	}
}

// TestBounded: however many cases go wrong and however long they are, the file can be sent.
func TestBounded(t *testing.T) {
	long := strings.Repeat("“很长”的一段话，", 150)
	for _, c := range []struct {
		n    int
		text string
		all  bool // each is listed
	}{{1900, "平常的一段话，和读者真的会写的差不多长，再加上一句", true}, {900, long, false}} {
		var r Report
		for i := range c.n {
			o := answered(outcome("absent", i))
			o.Case.Turns, o.Reply = []string{c.text}, c.text
			for range 10 {
				o.Candidates = append(o.Candidates, cases.Candidate{Entry: "alcohol-virus", Title: c.text, Passage: c.text})
			}
			r.Run.Outcomes = append(r.Run.Outcomes, o)
			r.Faulty = append(r.Faulty, Faulty{o, []cases.Failure{{Figure: cases.FalseMatch, What: c.text}}})
		}
		page := htmlOf(t, r)
		shown := strings.Count(page, `<details class="case"`)
		if len(page) > 5_000_000 || c.all != (shown == c.n) {
			t.Errorf("%d cases: %d bytes, %d shown", c.n, len(page), shown)
		}
		if says := fmt.Sprintf("另有%d个放不下", c.n-shown); !c.all && !strings.Contains(page, says) {
			t.Errorf("it does not say %s", says)
		}
	}
}

func TestJUnit(t *testing.T) {
	run := someRun(2)
	run.Outcomes[2].Error = "connection\x00refused"
	run.Outcomes[0].Case.Turns = []string{"喝白酒\x1b[2J ]]> & <b>\xff"}
	parsed := parseJUnit(t, written(t, func(w *bytes.Buffer) error { return New(run, gatesOf(t, strict), nil).WriteJUnit(w) }))
	gates, outcomes := parsed.Suites[0], parsed.Suites[1]
	if len(gates.Cases) != 3 || gates.Failures != 2 || gates.Cases[0].Failure == nil { // void, and false_match
		t.Errorf("gates: %+v", gates)
	}
	if len(outcomes.Cases) != 40 || outcomes.Failures != 1 || outcomes.Errors != 1 || parsed.Tests != 43 || parsed.Failures != 3 {
		t.Errorf("%d cases, %d failures, %d errors; %d, %d", len(outcomes.Cases), outcomes.Failures, outcomes.Errors, parsed.Tests, parsed.Failures)
	}
	first := outcomes.Cases[0]
	if first.Class != "cases.absent" || first.Name != "absent-0 喝白酒□[2J ]]> & <b>□" || first.Failure.Type != cases.FalseMatch ||
		!strings.Contains(first.Failure.Message, "没有条目能回答，却用 alcohol-virus 回答了") || !strings.Contains(first.Failure.Text, "该怎样：说没有查到") {
		t.Errorf("%+v %+v", first, first.Failure)
	}
}

func parseJUnit(t testing.TB, data string) (parsed junitSuites) {
	t.Helper()
	if err := xml.Unmarshal([]byte(data), &parsed); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	tests := 0
	for _, s := range parsed.Suites {
		failures, errors := 0, 0
		for _, c := range s.Cases {
			tests++
			if c.Failure != nil {
				failures++
			}
			if c.Error != nil {
				errors++
			}
		}
		if s.Tests != len(s.Cases) || s.Failures != failures || s.Errors != errors {
			t.Errorf("suite %s counts %+v", s.Name, s.junitCounts)
		}
	}
	if parsed.Tests != tests {
		t.Errorf("%d tests of %d", parsed.Tests, tests)
	}
	return parsed
}

func TestJSONFitsItsSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schemas/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	run, was := someRun(4), someRun(0)
	for name, r := range map[string]Report{
		"against": New(run, gatesOf(t, strict), &was), "alone": New(run, cases.DefaultGates(), nil), "empty": New(cases.Run{}, cases.DefaultGates(), nil),
	} {
		var v any
		if err := json.Unmarshal([]byte(written(t, func(w *bytes.Buffer) error { return r.WriteJSON(w) })), &v); err != nil {
			t.Fatal(err)
		}
		if name == "empty" { // its manifest has no settings
			v.(map[string]any)["manifest"].(map[string]any)["settings"] = map[string]any{}
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// FuzzForeignText: whatever readers write and entries say, the XML parses and counts, and the page has the elements that it was given.
func FuzzForeignText(f *testing.F) {
	f.Add("absent-1", "喝白酒\x00\x1b]]>", "回复<script>", "")
	f.Add("\xff\"'>", "</details></style>", "\u202e\ufffe\u2028", "错\r\n")
	f.Add("{{.}}", "<!--", "&#0;", "&lt;")
	gates := gatesOf(f, strict)
	f.Fuzz(func(t *testing.T, id, message, reply, failed string) {
		o := answered(outcome("absent", 1))
		o.Case.ID, o.Case.Turns, o.Reply, o.Error, o.Case.Slices.Topic = id, []string{message}, reply, failed, message
		o.Candidates[0].Passage, o.Answers[0].Entry, o.Case.Expect.Forbidden = reply, message, []string{id}
		run := cases.Run{ID: id, Manifest: cases.Manifest{Machine: message}, Outcomes: []cases.Outcome{o}}
		r := Report{Run: run, Release: gates.Release(run, cases.Metrics{}), Faulty: faultyOf(run.Outcomes)} // figures have no foreign text, and take long
		parseJUnit(t, written(t, func(w *bytes.Buffer) error { return r.WriteJUnit(w) }))
		document, err := html.Parse(strings.NewReader(htmlOf(t, r)))
		if err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		for n := range document.Descendants() {
			if n.Type == html.ElementNode {
				count[n.Data]++
			}
		}
		got := []int{count["script"], count["style"], count["main"], count["form"], count["img"], count["iframe"], count["object"]}
		if !slices.Equal(got, []int{1, 1, 1, 1, 0, 0, 0}) {
			t.Errorf("elements %v", count)
		}
	})
}
