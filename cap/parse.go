package cap

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"qiuzhen/knowledge"
)

// Incoming is another system's alert.
type Incoming struct {
	// Broadcast is the draft that it makes: it has no identifier of ours yet, and what it refers to is for the caller to find by References.
	Broadcast  knowledge.Broadcast
	Origin     Reference   // what the other system calls it
	References []Reference // the alerts that it updates or cancels
	Areas      string      // as it words them
	// Unplaced: it names areas, and none that we know. The draft's audience is everywhere, which it was not meant to be.
	Unplaced bool
	// Notes say what the draft does not have of it, for who checks it.
	Notes []string
}

// Parse reads a CAP 1.2 alert into a draft. All that is against the standard is complained of at once, but for times in Z or with fractions
// of a second, which many systems send. What is not for the public, is a test, or acknowledges something is refused.
func Parse(data []byte) (Incoming, error) {
	alert, err := read(data)
	if err != nil {
		return Incoming{}, err
	}
	complaints := append(check(alert), usable(alert)...)
	if len(complaints) > 0 {
		slices.SortStableFunc(complaints, func(a, b complaint) int { return a.line - b.line })
		return Incoming{}, invalid("这条预警", complaints)
	}
	sent, _ := readTime(alert.text("sent")) // checked, as are the references
	in := Incoming{Origin: Reference{alert.text("sender"), alert.text("identifier"), sent}}
	in.References, _ = readReferences(alert.text("references"))
	in.Broadcast = knowledge.Broadcast{
		Type: knowledge.MsgType(alert.text("msgType")), Exercise: alert.text("status") == "Exercise", State: knowledge.BroadcastDraft,
		Content: knowledge.BroadcastContent{Texts: map[string]string{}},
	}
	in.Broadcast.Content.Reason = strings.TrimSpace(strings.TrimPrefix(alert.text("note"), exerciseNote))
	in.left(alert)
	if infos := alert.all("info"); len(infos) > 0 {
		in.info(chosen(infos), len(infos))
	}
	return in, nil
}

// usable complains of a valid alert that is nothing to broadcast.
func usable(alert node) (out []complaint) {
	for _, only := range []struct {
		element     string
		values, all []string
		why         string
	}{
		{"status", statuses[:2], statuses, "不是给公众的"},
		{"msgType", msgTypes[:3], msgTypes, "不是预警，只是系统之间的回执"},
		{"scope", scopes[:1], scopes, "不能公开"},
	} {
		for _, n := range alert.all(only.element) {
			if !slices.Contains(only.values, n.said) && slices.Contains(only.all, n.said) { // no value at all is complained of already
				out = append(out, complaint{n.line, fmt.Sprintf("%s 是 %s：%s", only.element, n.said, only.why)})
			}
		}
	}
	if len(alert.all("info")) == 0 && alert.text("msgType") != string(knowledge.Cancel) && alert.name == alertRules.name && !alert.foreign {
		out = append(out, complaint{alert.line, "没有 info，没有可以播发的内容"})
	}
	return out
}

// left notes what of the alert itself the draft does not have.
func (in *Incoming) left(alert node) {
	foreign := false
	for _, c := range alert.children {
		foreign = foreign || c.foreign
	}
	if foreign {
		in.Notes = append(in.Notes, "原文带有数字签名或别的附加内容，没有核对，请另外确认来源。")
	}
	for _, c := range []struct{ name, word string }{{"source", "来源系统"}, {"incidents", "事件编号"}, {"code", "处理代码"}, {"restriction", "限制"}, {"addresses", "收件人"}} {
		for _, n := range alert.all(c.name) {
			in.Notes = append(in.Notes, fmt.Sprintf("没有带过来的%s：%s", c.word, shown(n.said)))
		}
	}
}

// chosen is the part in Chinese, else the first.
func chosen(infos []node) node {
	for _, n := range infos {
		if l := strings.ToLower(n.text("language")); l == "zh" || strings.HasPrefix(l, "zh-") {
			return n
		}
	}
	return infos[0]
}

func (in *Incoming) info(n node, of int) {
	if of > 1 {
		in.Notes = append(in.Notes, fmt.Sprintf("原文有%d段内容，只取了一段（语言 %s），请对照原文。", of, shown(n.text("language"))))
	}
	if l := strings.ToLower(n.text("language")); !strings.HasPrefix(l, "zh") {
		in.Notes = append(in.Notes, "原文不是中文，要译成中文再播发。")
	}
	exercise := in.Broadcast.Exercise
	plain := func(name string) string {
		s := n.text(name)
		if exercise {
			s = strings.TrimSpace(strings.TrimPrefix(s, knowledge.ExerciseMark))
		}
		return s
	}
	c := &in.Broadcast.Content
	c.Event, c.Headline, c.Description, c.Instruction = plain("event"), plain("headline"), plain("description"), plain("instruction")
	c.Urgency, c.Severity, c.Certainty = n.text("urgency"), n.text("severity"), n.text("certainty")
	c.Category, c.Response = in.first(n, "category"), in.first(n, "responseType")
	c.Source, c.Web, c.Contact = n.text("senderName"), n.text("web"), n.text("contact")
	if c.Source == "" {
		c.Source = in.Origin.Sender
	}
	if expires, err := readTime(n.text("expires")); err == nil {
		in.Broadcast.Expires = expires
	}
	if effective, err := readTime(n.text("effective")); err == nil {
		in.Broadcast.SendAt = effective
	}
	in.audience(n.text("audience"))
	in.areas(n.all("area"))
	if resources := n.all("resource"); len(resources) > 0 {
		in.Notes = append(in.Notes, fmt.Sprintf("原文有%d个附件（第一个：%s），没有带过来。", len(resources), shown(resources[0].text("resourceDesc"))))
	}
}

// first takes one of several values, of which a broadcast has one.
func (in *Incoming) first(n node, name string) string {
	all := n.all(name)
	if len(all) == 0 {
		return ""
	}
	for _, more := range all[1:] {
		in.Notes = append(in.Notes, fmt.Sprintf("%s 还有 %s，只取了第一个。", name, more.said))
	}
	return all[0].said
}

func (in *Incoming) audience(said string) {
	if said == "" {
		return
	}
	parts := strings.Split(said, "、")
	if slices.ContainsFunc(parts, func(p string) bool { return !slices.Contains(knowledge.AudienceGroups, p) }) {
		in.Notes = append(in.Notes, "原文写的对象是“"+shown(said)+"”，没有对应的人群，请自己选。")
		return
	}
	in.Broadcast.Audience.Groups = parts
}

var (
	regionCodeName = regexp.MustCompile(`(?i)^(GB[/ _-]?T?[ _-]?2260|GB[/ _-]?T?[ _-]?10114|xzqh)`)
	regionCode     = regexp.MustCompile(`^\d{6}(\d{3})?(\d{3})?$`)
)

// areas takes the regions that the alert has codes of.
func (in *Incoming) areas(areas []node) {
	var worded []string
	unplaced := 0
	for _, area := range areas {
		worded = append(worded, area.text("areaDesc"))
		codes := regionCodes(area)
		if len(codes) == 0 && (area.text("areaDesc") != everywhere || len(area.children) > 1) {
			unplaced++
			in.Notes = append(in.Notes, "没有认出来的地区，请自己选："+shown(area.text("areaDesc")))
		}
		for _, code := range codes {
			if !slices.Contains(in.Broadcast.Audience.Areas, code) {
				in.Broadcast.Audience.Areas = append(in.Broadcast.Audience.Areas, code)
			}
		}
	}
	in.Areas = strings.Join(worded, "；")
	in.Unplaced = unplaced > 0 && len(in.Broadcast.Audience.Areas) == 0
}

// regionCodes are an area's codes in our form: six digits, nine for a town. National systems pad them to twelve.
func regionCodes(area node) (codes []string) {
	for _, g := range area.all("geocode") {
		code := strings.TrimSpace(g.text("value"))
		if !regionCodeName.MatchString(g.text("valueName")) || !regionCode.MatchString(code) {
			continue
		}
		for len(code) > 6 && strings.HasSuffix(code, "000") {
			code = code[:len(code)-3]
		}
		codes = append(codes, code[:min(len(code), 9)])
	}
	return codes
}
