package bot

import (
	"strings"
	"testing"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/retrieval"
)

func rebuttal() retrieval.Stored {
	return retrieval.Stored{Version: 1, Entry: knowledge.Entry{
		ID: "boiled-water", Kind: knowledge.Rebuttal, Topic: knowledge.Health, Verdict: knowledge.False,
		Short: "千滚水致癌", Claims: []string{"反复烧开的水会致癌"}, Summary: "水里的亚硝酸盐远低于国家标准。",
		Actions: []string{"水烧开放凉了再喝。", "水壶常除垢"},
		Sources: []knowledge.Source{{Institution: "某机构", Title: "《某标准》", Date: "2022-03"}, {Institution: "另一机构", Title: "某文", Date: "2020-01-05"}},
	}}
}

func guide() retrieval.Stored {
	s := rebuttal()
	s.Kind, s.Verdict, s.Claims, s.Questions = knowledge.Guide, "", nil, []string{"地震了往哪躲"}
	s.Actions = []string{"先别跑，护住头。", "停了再走。"}
	return s
}

func TestRender(t *testing.T) {
	signed := rebuttal()
	signed.Signed = true
	signed.Reviews = []knowledge.Review{{Reviewer: "王某某", Title: "主任医师", Institution: "某市疾控中心", At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}}
	regional := rebuttal()
	regional.Regions = []string{"320600"}
	sure := func(s ...retrieval.Stored) retrieval.Result {
		r := retrieval.Result{Decision: retrieval.Sure}
		for _, x := range s {
			r.Answers = append(r.Answers, retrieval.Match{Stored: x})
		}
		return r
	}
	danger := &retrieval.Urgent{Class: "stroke", Number: "120", Line: "请马上打120。", Then: "让他侧躺。"}
	for _, c := range []struct {
		name   string
		result retrieval.Result
		want   string
	}{
		{"rebuttal", sure(rebuttal()), "“千滚水致癌”是谣言，不要转发。\n核查的说法：反复烧开的水会致癌。\n水里的亚硝酸盐远低于国家标准。\n可以这样做：\n1. 水烧开放凉了再喝。\n2. 水壶常除垢。\n来源：某机构《某标准》（2022年3月）\n来源：另一机构《某文》（2020年1月5日）\n示范内容，尚未经专家签审。"},
		{"guide", sure(guide()), "先别跑，护住头。\n水里的亚硝酸盐远低于国家标准。\n接着这样做：\n1. 停了再走。\n来源：某机构《某标准》（2022年3月）\n来源：另一机构《某文》（2020年1月5日）\n示范内容，尚未经专家签审。"},
		{"signed", sure(signed), "“千滚水致癌”是谣言，不要转发。\n核查的说法：反复烧开的水会致癌。\n水里的亚硝酸盐远低于国家标准。\n可以这样做：\n1. 水烧开放凉了再喝。\n2. 水壶常除垢。\n来源：某机构《某标准》（2022年3月）\n来源：另一机构《某文》（2020年1月5日）\n审核：王某某 主任医师 · 某市疾控中心 · 2026年3月"},
		{"regional", sure(regional), "“千滚水致癌”是谣言，不要转发。\n核查的说法：反复烧开的水会致癌。\n水里的亚硝酸盐远低于国家标准。\n可以这样做：\n1. 水烧开放凉了再喝。\n2. 水壶常除垢。\n来源：某机构《某标准》（2022年3月）\n来源：另一机构《某文》（2020年1月5日）\n适用地区：南通市\n示范内容，尚未经专家签审。"},
		{"suggest", retrieval.Result{Decision: retrieval.Suggest, Candidates: []retrieval.Match{{Stored: rebuttal()}, {Stored: guide()}}}, "您问的是下面哪一个？回复数字就行。\n1 千滚水致癌\n2 千滚水致癌\n0 都不是"},
		{"suggest one", retrieval.Result{Decision: retrieval.Suggest, Candidates: []retrieval.Match{{Stored: rebuttal()}}}, "您问的是下面这个吗？回复数字就行。\n1 千滚水致癌\n0 都不是"},
		{"abstain", retrieval.Result{Decision: retrieval.Abstain}, "这个我还没有查证过，不能乱说。\n在弄清楚之前，先不要转发，也不要照着做。\n着急的话：身体的事打12320，怕是诈骗打96110，别的事打12345。"},
		{"danger alone", retrieval.Result{Decision: retrieval.Abstain, Urgent: danger}, "请马上打120。\n让他侧躺。"},
		{"live alone", retrieval.Result{Decision: retrieval.Abstain, Live: &retrieval.Live{Kind: "weather", Channel: "南通气象台"}}, "这需要看最新的消息，请以南通气象台发布的为准。"},
		{"live with a guide", retrieval.Result{Decision: retrieval.Suggest, Live: &retrieval.Live{Kind: "weather", Channel: "南通气象台"}, Candidates: []retrieval.Match{{Stored: guide()}}}, "这需要看最新的消息，请以南通气象台发布的为准。\n\n也可以先看看下面的，回复数字就行。\n1 千滚水致癌\n0 都不是"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Render(c.result); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
	both := Render(retrieval.Result{Decision: retrieval.Sure, Urgent: danger, Answers: []retrieval.Match{{Stored: guide()}}})
	if !strings.HasPrefix(both, "请马上打120。\n让他侧躺。\n\n先别跑") {
		t.Errorf("danger does not come first: %q", both)
	}
}

// TestVouch: who says so, and where it comes from when that is another city.
func TestVouch(t *testing.T) {
	signed := rebuttal()
	signed.Signed, signed.Provenance = true, knowledge.Provenance{City: "南通市科协", Fingerprint: "dfa5"}
	signed.Reviews = []knowledge.Review{{Reviewer: "陈医生", Title: "主任医师", Institution: "市医院", At: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}}
	want := "\n转自：南通市科协\n审核：陈医生 主任医师 · 市医院 · 2026年3月"
	if got := AnswerText(signed); !strings.HasSuffix(got, want) {
		t.Errorf("%q does not end with %q", got, want)
	}
	draft := signed
	draft.Signed = false
	if got := AnswerText(draft); !strings.HasSuffix(got, "转自：南通市科协\n"+knowledge.UnsignedLine) {
		t.Errorf("a draft: %q", got)
	}
}
