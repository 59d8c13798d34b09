package broadcast_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// kept are broadcasts that were made before, as a store of them.
type kept []knowledge.Broadcast

func (k kept) BroadcastsNamed(_ context.Context, identifiers, origins []string) (found []knowledge.Broadcast, _ error) {
	for _, b := range k {
		if slices.Contains(identifiers, b.Identifier) || b.Content.Origin != "" && slices.Contains(origins, b.Content.Origin) {
			found = append(found, b)
		}
	}
	return found, nil
}

const (
	foreignRefers = "<references>warn@weather.example,W-1,2026-08-01T06:00:00+08:00</references>"
	foreignOrigin = "warn@weather.example,W-1,2026-08-01T06:00:00+08:00"
)

// TestFromCAP: another system's Update becomes ours of what we sent, else an Alert with a note; what is longer than ours, or says less, is noted too.
func TestFromCAP(t *testing.T) {
	data, err := os.ReadFile("../cap/testdata/foreign.xml")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 8, 1, 10, 0, 0, 0, knowledge.China)
	sent := func(change func(*knowledge.Broadcast)) kept {
		b := knowledge.Broadcast{
			ID: 7, Identifier: "qz-20260801-a", Type: knowledge.Alert, State: knowledge.BroadcastSending, BegunAt: now,
			Content: knowledge.BroadcastContent{Event: "台风", Category: "Met", Response: "Shelter", Urgency: "Expected", Severity: "Severe", Certainty: "Likely",
				Headline: "台风要来了", Source: "我们", Origin: foreignOrigin},
		}
		if change != nil {
			change(&b)
		}
		return kept{b}
	}
	bare := `<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>W-3</identifier><sender>warn@weather.example</sender><sent>2026-08-01T09:30:00+08:00</sent>` +
		`<status>Actual</status><msgType>Cancel</msgType><scope>Public</scope><note>看错了</note>` + foreignRefers + `</alert>`
	alert := []string{foreignRefers, "", "<msgType>Update", "<msgType>Alert"}
	with := func(more ...string) []string { return append(slices.Clone(alert), more...) }
	for name, c := range map[string]struct {
		data    string
		replace []string
		had     kept
		want    func(knowledge.Broadcast) bool
		notes   []string // of which each is in the note of its place
		refused string
	}{
		"of theirs that we passed on": {had: sent(nil), notes: []string{"第7号“台风要来了”的更正"}, want: func(b knowledge.Broadcast) bool {
			return b.Type == knowledge.Update && b.References == 7 && len(b.Audience.Areas)+len(b.Audience.Groups) == 0 && b.Content.Headline == "台风预警升级为橙色"
		}},
		"of ours by its identifier": {replace: []string{foreignRefers, "<references>us@x,qz-20260801-a,2026-08-01T06:00:00+08:00</references>"}, had: sent(nil),
			notes: []string{"第7号"}, want: func(b knowledge.Broadcast) bool { return b.References == 7 }},
		"of nothing of ours": {notes: []string{"更正（Update W-1），这里没有发过"}, want: func(b knowledge.Broadcast) bool {
			return b.Type == knowledge.Alert && b.References == 0 && slices.Equal(b.Audience.Areas, []string{"320623"}) && slices.Equal(b.Audience.Groups, []string{"老人"}) &&
				b.Content.Source == "省气象台" && b.Content.Origin == "warn@weather.example,W-2,2026-08-01T09:30:00+08:00" && b.State == knowledge.BroadcastDraft
		}},
		"of what we have not sent": {had: sent(func(b *knowledge.Broadcast) { b.BegunAt, b.State = time.Time{}, knowledge.BroadcastDraft }), notes: []string{"还没有发出去"},
			want: func(b knowledge.Broadcast) bool { return b.Type == knowledge.Alert }},
		"of an exercise": {had: sent(func(b *knowledge.Broadcast) { b.Exercise = true }), notes: []string{"【演练】"},
			want: func(b knowledge.Broadcast) bool { return b.Type == knowledge.Alert && !b.Exercise }},
		"of a cancel": {had: sent(func(b *knowledge.Broadcast) { b.Type = knowledge.Cancel }), notes: []string{"作废"},
			want: func(b knowledge.Broadcast) bool { return b.Type == knowledge.Alert }},
		"a cancel that says nothing": {data: bare, had: sent(nil), notes: []string{"作废", "管到几时"}, want: func(b knowledge.Broadcast) bool {
			return b.Type == knowledge.Cancel && b.Content.Headline == "前面发的“台风”不算数了" && b.Content.Reason == "看错了" && b.Content.Response == "AllClear"
		}},
		"a cancel of nothing of ours": {data: bare, notes: []string{"作废（Cancel W-1）", "responseType", "管到几时"}, want: func(b knowledge.Broadcast) bool {
			return b.Type == knowledge.Alert && b.Content.Description == "看错了" && b.Content.Category == "Other"
		}},
		"read before": {had: sent(func(b *knowledge.Broadcast) { b.Content.Origin = "warn@weather.example,W-2,2026-08-01T09:30:00+08:00" }), refused: "已经收过，是第7号"},
		"an exercise": {replace: with("<status>Actual", "<status>Exercise", "<headline>", "<headline>【演练】"), notes: []string{"原文是演练"}, want: func(b knowledge.Broadcast) bool {
			return b.Exercise && b.Content.OriginExercise && b.Content.Headline == "台风预警升级为橙色"
		}},
		"a test":                     {replace: with("<status>Actual", "<status>Test"), refused: "第6行：status 是 Test"},
		"real that says it is none":  {replace: with("<headline>", "<headline>【演练】"), refused: "status 是 Actual（实发），文字里却写着【演练】"},
		"two things against it":      {replace: with("<event>台风</event>", "", "<severity>Severe", "<severity>Bad"), refused: "2处"},
		"places that we do not know": {replace: with("<valueName>GB/T2260", "<valueName>FIPS"), notes: []string{"没有认出来的地区"}, want: unplaced},
		"no code": {replace: with("<value>320623", "<value>x", "<areaDesc>如东县", "<areaDesc>沿海〔全部〕"), notes: []string{"沿海[全部]"}, want: func(b knowledge.Broadcast) bool {
			return b.Audience.Unplaced == "〔选地区，原文写的是：沿海[全部]〕"
		}},
		"long": {replace: with("<headline>", "<headline>"+strings.Repeat("很", 30), "<event>", "<event>"+strings.Repeat("大", 12)), notes: []string{"第一句话有39个字", "只取了前12个字"},
			want: func(b knowledge.Broadcast) bool {
				return strings.HasPrefix(b.Content.Description, strings.Repeat("很", 30)+"台风预警升级为橙色\n风力")
			}},
		"no response": {replace: with("<responseType>Prepare</responseType>", ""), notes: []string{"responseType"}, want: func(b knowledge.Broadcast) bool { return b.Content.Response == "None" }},
		"an address":  {replace: with("<area>", "<web>https://x.example/a</web><area>"), want: func(b knowledge.Broadcast) bool { return b.Content.Web == "https://x.example/a" }},
		"a script":    {replace: with("<area>", "<web>javascript:alert(1)</web><area>"), notes: []string{"没有带过来的网址"}, want: func(b knowledge.Broadcast) bool { return b.Content.Web == "" }},
		"over":        {replace: with("2026-08-02T12:00", "2026-07-02T12:00"), notes: []string{"已经过了"}, want: func(b knowledge.Broadcast) bool { return b.Expires.Before(now) }},
	} {
		t.Run(name, func(t *testing.T) {
			xml := c.data
			if xml == "" {
				xml = strings.NewReplacer(c.replace...).Replace(string(data))
			}
			b, err := broadcast.FromCAP(t.Context(), []byte(xml), c.had, now)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Fatalf("%v, want %s", err, c.refused)
				}
				return
			}
			if err != nil || !c.want(b) || len(b.Content.Notes) != len(c.notes) || len(b.Wrong()) > 0 {
				t.Fatalf("%+v, %v, %v", b, err, b.Wrong())
			}
			for i, says := range c.notes {
				if !strings.Contains(b.Content.Notes[i], says) {
					t.Errorf("note %q, want %s", b.Content.Notes[i], says)
				}
			}
		})
	}
}

// unplaced: an alert for places that we do not know is not submitted before somebody names them, and then it is.
func unplaced(b knowledge.Broadcast) bool {
	now := b.Expires.Add(-time.Hour)
	stuck := strings.Join(b.Complaints(now), "")
	b.Audience.Areas = []string{"320623"}
	return strings.Contains(stuck, "〔选地区，原文写的是：如东县〕") && len(b.Complaints(now)) == 0
}

// TestFromCAPWithoutWhatTurnsText: what a broadcast may not have is left out of others' alerts, and said.
func TestFromCAPWithoutWhatTurnsText(t *testing.T) {
	data, err := os.ReadFile("../cap/testdata/foreign.xml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(foreignRefers, "", "<msgType>Update", "<msgType>Alert", "<headline>", "<headline>\u202e\u0085", "<description>", "<description>一&#9;二\u2066").Replace(string(data))
	b, err := broadcast.FromCAP(context.Background(), []byte(text), kept{}, time.Date(2026, 8, 1, 10, 0, 0, 0, knowledge.China))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(b.Content.Notes, func(n string) bool { return strings.Contains(n, "改变文字方向") }) || !strings.HasPrefix(b.Content.Description, "一 二") {
		t.Errorf("%+v", b.Content)
	}
	for _, wrong := range b.Wrong() {
		t.Error(wrong)
	}
}
