package cap_test

import (
	"bytes"
	"encoding/xml"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/simplifiedchinese"
	"pgregory.net/rapid"

	"qiuzhen/cap"
	"qiuzhen/knowledge"
)

var sent = time.Date(2026, 8, 1, 9, 30, 0, 123456789, knowledge.China)

func typhoon() knowledge.Broadcast {
	return knowledge.Broadcast{
		Identifier: "qz-20260801-7", Type: knowledge.Alert, State: knowledge.BroadcastDraft,
		Content: knowledge.BroadcastContent{
			Event: "台风", Category: "Met", Response: "Shelter", Urgency: "Expected", Severity: "Severe", Certainty: "Likely",
			Headline: "台风今晚到南通，请待在家里", Description: "今晚到明天有大风大雨。\n说“台风已经转向”的是谣言 <不要转发> & 不要信。",
			Instruction: "关好门窗。\n不要去海边。", Source: "南通市应急管理局", Web: "https://example.org/typhoon?a=1&b=2", Contact: "12345", Texts: map[string]string{},
		},
		Audience: knowledge.Audience{Areas: []string{"320623", "320681"}, Groups: []string{"老人", "农民"}},
		Expires:  time.Date(2026, 8, 2, 12, 0, 0, 0, knowledge.China),
	}
}

func envelope() cap.Envelope {
	return cap.Envelope{Sender: "qiuzhen@nantong.example", Name: "南通市应急管理局", Sent: sent}
}

func reference(id string) cap.Reference {
	return cap.Reference{Sender: "qiuzhen@nantong.example", Identifier: id, Sent: sent.Truncate(time.Second)}
}

// TestMarshal holds what goes out to files that were read against the standard by eye.
func TestMarshal(t *testing.T) {
	alert, cancel := typhoon(), typhoon()
	alert.Identifier = "qz-1"
	cancel.Identifier, cancel.Type, cancel.Exercise, cancel.Audience = "qz-2", knowledge.Cancel, true, knowledge.Audience{}
	cancel.Content.Reason, cancel.Content.Response = "发错了地区。", "AllClear"
	cancelled := envelope()
	cancelled.References = []cap.Reference{reference("qz-0"), reference("qz-1")}
	for name, c := range map[string]struct {
		b knowledge.Broadcast
		e cap.Envelope
	}{"alert": {alert, envelope()}, "exercise_cancel": {cancel, cancelled}} {
		got, err := cap.Marshal(c.b, c.e)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/"+name+".xml", got)
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s (UPDATE=1 writes it; %v):\n%s", file, err, got)
	}
}

// TestMarshalRefuses: nothing invalid goes out, and all that is wrong is said at once.
func TestMarshalRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*knowledge.Broadcast, *cap.Envelope)
		want   []string
	}{
		"nothing": {func(b *knowledge.Broadcast, e *cap.Envelope) {
			*b, *e = knowledge.Broadcast{}, cap.Envelope{}
		}, []string{"缺 identifier", "缺 sender", "缺 msgType", "缺 category", "缺 event", "缺 urgency", "缺 severity", "缺 certainty", "缺 headline", "缺 expires"}},
		"identifier":   {func(b *knowledge.Broadcast, e *cap.Envelope) { b.Identifier, e.Sender = "a b", "x,y" }, []string{"identifier：", "sender：", "不能有空格"}},
		"no reference": {func(b *knowledge.Broadcast, _ *cap.Envelope) { b.Type = knowledge.Update }, []string{"msgType 是 Update，要有 references"}},
		"enumerations": {func(b *knowledge.Broadcast, _ *cap.Envelope) {
			b.Content.Category, b.Content.Response, b.Content.Urgency = "Weather", "Run", "Now"
		}, []string{"“Weather” 应当是 Geo、", "“Run” 应当是 Shelter、", "“Now” 应当是 Immediate、"}},
		"control characters": {func(b *knowledge.Broadcast, _ *cap.Envelope) { b.Content.Headline = "台\x00风" }, []string{"headline 里有不能显示的字符"}},
		"address":            {func(b *knowledge.Broadcast, _ *cap.Envelope) { b.Content.Web = "http://a b" }, []string{"不是网址"}},
	} {
		t.Run(name, func(t *testing.T) {
			b, e := typhoon(), envelope()
			c.change(&b, &e)
			_, err := cap.Marshal(b, e)
			if err == nil {
				t.Fatal("it went out")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in: %v", want, err)
				}
			}
		})
	}
}

// broadcasts draws any that a system may send.
func broadcasts(t *rapid.T) (knowledge.Broadcast, cap.Envelope) {
	words := rapid.StringOfN(rapid.RuneFrom([]rune("台风谣言 <>&\"'\n\t，。,]]>𠮷é")), 0, 60, -1)
	said := func(label string) string { return strings.TrimSpace(words.Draw(t, label)) }
	filled := func(label string) string { return "风" + said(label) }
	of := func(label string, values ...string) string { return rapid.SampledFrom(values).Draw(t, label) }
	times := rapid.Int64Range(0, 1<<32)
	b := knowledge.Broadcast{
		Identifier: rapid.StringMatching(`[a-zA-Z0-9.:@/-]{1,40}`).Draw(t, "identifier"), State: knowledge.BroadcastDraft,
		Type: rapid.SampledFrom([]knowledge.MsgType{knowledge.Alert, knowledge.Update, knowledge.Cancel}).Draw(t, "type"), Exercise: rapid.Bool().Draw(t, "exercise"),
		Content: knowledge.BroadcastContent{
			Event: filled("event"), Category: of("category", "Geo", "Met", "CBRNE"), Response: of("response", "", "Shelter", "AllClear", "None"),
			Urgency: of("urgency", "Immediate", "Unknown"), Severity: of("severity", "Extreme", "Minor"), Certainty: of("certainty", "Observed", "Possible"),
			Headline: filled("headline"), Description: said("description"), Instruction: said("instruction"), Source: filled("source"),
			Web: of("web", "", "https://example.org/?q=<&>"), Contact: said("contact"), Reason: said("reason"), Texts: map[string]string{},
		},
		Audience: knowledge.Audience{
			Areas:  rapid.SampledFrom([][]string{nil, {"320000"}, {"320600", "320623"}, {"320623100"}}).Draw(t, "areas"),
			Groups: rapid.SampledFrom([][]string{nil, {"老人"}, {"学生", "公务员"}}).Draw(t, "groups"),
		},
		Expires: time.Unix(times.Draw(t, "expires"), 0).In(knowledge.China),
	}
	if rapid.Bool().Draw(t, "scheduled") {
		b.SendAt = time.Unix(times.Draw(t, "at"), 0).In(knowledge.China)
	}
	e := cap.Envelope{Sender: "qiuzhen@nantong.example", Sent: time.Unix(times.Draw(t, "sent"), 0).In(knowledge.China)}
	if b.Type != knowledge.Alert {
		e.References = rapid.SampledFrom([][]cap.Reference{{reference("a")}, {reference("a"), reference("b/c")}}).Draw(t, "references")
	}
	return b, e
}

// TestRoundTrip: what is written is read as it was.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b, e := broadcasts(t)
		data, err := cap.Marshal(b, e)
		if err != nil {
			t.Fatal(err)
		}
		in, err := cap.Parse(data)
		if err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		if want := (cap.Reference{Sender: e.Sender, Identifier: b.Identifier, Sent: e.Sent}); in.Origin != want {
			t.Errorf("origin %v, want %v", in.Origin, want)
		}
		b.Identifier = ""
		if !reflect.DeepEqual(in.Broadcast, b) {
			t.Errorf("got  %+v\nwant %+v\n%s", in.Broadcast, b, data)
		}
		if !reflect.DeepEqual(in.References, e.References) || len(in.Notes) > 0 || in.Unplaced {
			t.Errorf("references %v, notes %v", in.References, in.Notes)
		}
	})
}

// TestFeed: what RFC 4287 wants of a feed is there, once, and every entry leads to its alert.
func TestFeed(t *testing.T) {
	drill := typhoon()
	drill.Identifier, drill.Exercise, drill.Type = "qz-2", true, knowledge.Update
	feed := cap.Feed{Title: "南通市应急播发", Self: "https://example.org/cap.atom", Name: "南通市应急管理局", Items: []cap.Item{
		{drill, "qiuzhen@nantong.example", sent.Add(time.Hour), "https://example.org/cap/qz-2.xml"},
		{typhoon(), "qiuzhen@nantong.example", sent, "https://example.org/cap/qz-1.xml"},
	}}
	got, err := feed.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/feed.atom", got)
	var read struct {
		XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		ID      []string `xml:"id"`
		Updated []string `xml:"updated"`
		Entries []struct {
			ID, Title, Updated []string
			Link               []struct {
				Type string `xml:"type,attr"`
			} `xml:"link"`
		} `xml:"entry"`
	}
	if err := xml.Unmarshal(got, &read); err != nil {
		t.Fatal(err)
	}
	if len(read.ID) != 1 || len(read.Updated) != 1 || len(read.Entries) != 2 || read.Entries[0].Link[0].Type != cap.MediaType {
		t.Errorf("%+v", read)
	}
	empty, err := cap.Feed{Title: "空", Self: "https://example.org/cap.atom", Name: "局"}.Marshal()
	if err != nil || xml.Unmarshal(empty, new(struct{})) != nil {
		t.Error(err, string(empty))
	}
}

func gb18030(s string) []byte {
	out, err := simplifiedchinese.GB18030.NewEncoder().String(s)
	if err != nil {
		panic(err)
	}
	return []byte(out)
}

// foreign is another system's alert with one place changed.
func foreign(t *testing.T, old, replacement string) string {
	t.Helper()
	data, err := os.ReadFile("testdata/foreign.xml")
	if err != nil {
		t.Fatal(err)
	}
	if old != "" && strings.Count(string(data), old) != 1 {
		t.Fatalf("%q is there %d times", old, strings.Count(string(data), old))
	}
	return strings.Replace(string(data), old, replacement, 1)
}

// TestParse: what other systems send becomes a draft, and what the draft lacks is noted.
func TestParse(t *testing.T) {
	plain := foreign(t, "", "")
	for name, c := range map[string]struct {
		data  string
		notes []string
	}{
		"as it is":              {plain, nil},
		"GB18030":               {string(gb18030(strings.Replace(plain, "UTF-8", "GB18030", 1))), nil},
		"GBK that says UTF-8":   {string(gb18030(plain)), nil},
		"says GB2312, is not":   {strings.Replace(plain, "UTF-8", "GB2312", 1), nil},
		"byte order mark":       {"\ufeff" + plain, nil},
		"time in Z":             {foreign(t, "2026-08-01T09:30:00+08:00</sent>", "2026-08-01T01:30:00.250Z</sent>"), nil},
		"prefixed":              {strings.NewReplacer("<alert xmlns=", "<c:alert xmlns:c=", "</", "</c:", "<?xml", "<?xml", "<", "<c:").Replace(strings.Replace(plain, `<?xml version="1.0" encoding="UTF-8"?>`, "", 1)), nil},
		"twelve digits":         {foreign(t, "<value>320623</value>", "<value>320623000000</value>"), nil},
		"signed":                {foreign(t, "</alert>", `<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature></alert>`), []string{"没有核对"}},
		"another language too":  {foreign(t, "<info>\n    <language>zh-CN", "<info><language>en-US</language><category>Met</category><event>typhoon</event><urgency>Past</urgency><severity>Minor</severity><certainty>Unlikely</certainty></info>\n  <info>\n    <language>zh-CN"), []string{"2段内容"}},
		"two categories":        {foreign(t, "<category>Met</category>", "<category>Met</category><category>Safety</category>"), []string{"category 还有 Safety"}},
		"whom we cannot choose": {foreign(t, "<audience>老人</audience>", "<audience>渔民</audience>"), []string{"“渔民”"}},
		"a picture":             {foreign(t, "    <area>", "    <resource><resourceDesc>云图</resourceDesc><mimeType>image/png</mimeType></resource>\n    <area>"), []string{"1个附件（第一个：云图）"}},
		"a place on the map":    {foreign(t, "  </info>", "    <area><areaDesc>海上</areaDesc><polygon>32,121 32,122 33,122 32,121</polygon></area>\n  </info>"), []string{"没有认出来的地区，请自己选：海上"}},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "prefixed" {
				c.data = strings.ReplaceAll(c.data, "<c:/c:", "</c:")
				c.data = strings.ReplaceAll(c.data, "<c:c:", "<c:")
			}
			in, err := cap.Parse([]byte(c.data))
			if err != nil {
				t.Fatal(err)
			}
			b := in.Broadcast
			if b.Type != knowledge.Update || b.Exercise || b.Content.Headline != "台风预警升级为橙色" || b.Content.Source != "省气象台" ||
				b.Expires.Format(time.RFC3339) != "2026-08-02T12:00:00+08:00" || in.Origin.String() != "warn@weather.example,W-2,2026-08-01T09:30:00+08:00" {
				t.Errorf("%+v %v", b, in.Origin)
			}
			if !slices.Equal(b.Audience.Areas, []string{"320623"}) || in.Unplaced {
				t.Errorf("areas %v", b.Audience.Areas)
			}
			if len(in.References) != 1 || in.References[0].Identifier != "W-1" {
				t.Errorf("references %v", in.References)
			}
			if len(in.Notes) != len(c.notes) {
				t.Fatalf("notes %q", in.Notes)
			}
			for i, want := range c.notes {
				if !strings.Contains(in.Notes[i], want) {
					t.Errorf("note %q, want %q", in.Notes[i], want)
				}
			}
		})
	}
}

// TestUnplaced: an alert for places that we do not know is not one for everywhere.
func TestUnplaced(t *testing.T) {
	in, err := cap.Parse([]byte(foreign(t, "<valueName>GB/T2260</valueName>", "<valueName>FIPS</valueName>")))
	if err != nil || !in.Unplaced || len(in.Broadcast.Audience.Areas) > 0 || in.Areas != "如东县" {
		t.Errorf("%v %+v", err, in)
	}
}

// TestParseRefuses: what is against the standard, each with its line, and what may not be read at all.
func TestParseRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		data string
		want []string
	}{
		"empty":             {"", []string{"里面没有内容"}},
		"no XML":            {"台风来了", []string{"不是 XML 文件"}},
		"not closed":        {"<alert>", []string{"读不懂"}},
		"DTD":               {`<!DOCTYPE alert [<!ENTITY a "b">]>` + foreign(t, `<?xml version="1.0" encoding="UTF-8"?>`, ""), []string{"DTD"}},
		"entity":            {foreign(t, "台风预警升级", "&xxe;"), []string{"entity"}},
		"two documents":     {foreign(t, "</alert>", "</alert><alert/>"), []string{"后面还有"}},
		"deep":              {strings.Repeat("<a>", 100), []string{"层数太多"}},
		"many":              {"<alert>" + strings.Repeat("<a/>", 20_000), []string{"内容太多"}},
		"long":              {strings.Repeat(" ", 2<<20), []string{"1024 KB"}},
		"another encoding":  {"<?xml version='1.0' encoding='Big5'?>\xff\xff", []string{"Big5"}},
		"CAP 1.1":           {foreign(t, "cap:1.2", "cap:1.1"), []string{"命名空间 urn:oasis:names:tc:emergency:cap:1.2"}},
		"order":             {foreign(t, "<event>台风</event>", "<urgency>Past</urgency><event>台风</event>"), []string{"第13行：event 应当在 urgency 前面", "urgency 只能有一个"}},
		"unknown element":   {foreign(t, "<event>台风</event>", "<event>台风</event><color>橙</color>"), []string{"info 里面没有 color 这一项"}},
		"other namespace":   {foreign(t, "<event>台风</event>", `<event>台风</event><x xmlns="urn:x"/>`), []string{"别的命名空间的 x"}},
		"element in a text": {foreign(t, "<event>台风</event>", "<event><b>台风</b></event>"), []string{"event 里面只能是文字"}},
		"text in between":   {foreign(t, "<info>", "台风<info>"), []string{"alert 里面不能直接写文字"}},
		"a test":            {foreign(t, "Actual", "Test"), []string{"status 是 Test：不是给公众的"}},
		"acknowledges":      {foreign(t, "Update", "Ack"), []string{"msgType 是 Ack：不是预警"}},
		"private":           {foreign(t, "Public", "Private"), []string{"要有 addresses", "scope 是 Private：不能公开"}},
		"restricted":        {foreign(t, "Public", "Restricted"), []string{"要有 restriction"}},
		"local time":        {foreign(t, "2026-08-01T09:30:00+08:00</sent>", "2026-08-01 09:30</sent>"), []string{"第5行：sent：“2026-08-01 09:30” 不是时间"}},
		"reference":         {foreign(t, "warn@weather.example,W-1,", "W-1,"), []string{"应当是 发送者,编号,发送时间"}},
		"polygon":           {foreign(t, "<geocode>", "<polygon>32,121 32,122 33,122</polygon><circle>95,121 3</circle><geocode>"), []string{"polygon：", "circle："}},
		"many at once": {strings.NewReplacer("<event>台风</event>", "", "Expected", "Soon", "Severe", "严重", "Likely", "likely").Replace(foreign(t, "", "")),
			[]string{"有4处", "缺 event", "“Soon”", "“严重”", "“likely”"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cap.Parse([]byte(c.data))
			if err == nil {
				t.Fatal("taken")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %q in: %v", want, err)
				}
			}
		})
	}
}

// FuzzParse: whatever comes in, what is taken can be sent on and comes back the same.
func FuzzParse(f *testing.F) {
	for _, file := range []string{"alert", "exercise_cancel", "foreign"} {
		data, err := os.ReadFile("testdata/" + file + ".xml")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(gb18030(string(data)))
	}
	f.Add([]byte(`<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		in, err := cap.Parse(data)
		if err != nil {
			return
		}
		again := in.Broadcast
		again.Identifier = in.Origin.Identifier
		out, err := cap.Marshal(again, cap.Envelope{Sender: in.Origin.Sender, Sent: in.Origin.Sent, References: in.References})
		if err != nil { // it lacks what we want beyond the standard
			return
		}
		back, err := cap.Parse(out)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if in.Broadcast.Content.Headline != back.Broadcast.Content.Headline || !back.Broadcast.Expires.Equal(in.Broadcast.Expires) {
			t.Errorf("got %+v\nwant %+v", back.Broadcast, in.Broadcast)
		}
	})
}
