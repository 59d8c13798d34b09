package cap

import (
	"strings"
	"time"
	"unicode/utf8"

	"qiuzhen/knowledge"
)

// Envelope is what an alert says beyond its broadcast.
type Envelope struct {
	Sender string    // Reference has what it may be
	Name   string    // the institution, where the broadcast names no source
	Sent   time.Time // when it was sent, or is
	// References are the alerts that an Update or Cancel is about: all that went before in its chain.
	References []Reference
}

// Marshal writes the broadcast as a CAP 1.2 alert. What the standard wants and the broadcast lacks is complained of, all at once. An Update or
// Cancel names the areas only when its audience does: it goes to those of its original.
func Marshal(b knowledge.Broadcast, e Envelope) ([]byte, error) {
	alert := node{name: "alert"}
	alert.add("identifier", b.Identifier)
	alert.add("sender", e.Sender)
	alert.add("sent", stamp(e.Sent))
	alert.add("status", status(b))
	alert.add("msgType", string(b.Type))
	alert.add("scope", "Public")
	alert.add("note", note(b))
	refs := make([]string, len(e.References))
	for i, r := range e.References {
		refs[i] = r.String()
	}
	alert.add("references", strings.Join(refs, " "))
	alert.children = append(alert.children, info(b, e))
	complaints := append(check(alert), ours(alert)...)
	if len(complaints) > 0 {
		return nil, invalid("这条播发", complaints)
	}
	return write(alert), nil
}

func status(b knowledge.Broadcast) string {
	if b.Exercise {
		return "Exercise"
	}
	return "Actual"
}

// note says what the message is about: that it is an exercise, and why it updates or cancels.
func note(b knowledge.Broadcast) string {
	if !b.Exercise {
		return b.Content.Reason
	}
	return exerciseNote + "\n" + b.Content.Reason
}

func info(b knowledge.Broadcast, e Envelope) node {
	c := b.Content
	mark := func(s string) string { // a system that does not look at status shows that it is an exercise all the same
		if b.Exercise && s != "" && !strings.HasPrefix(s, knowledge.ExerciseMark) {
			return knowledge.ExerciseMark + s
		}
		return s
	}
	n := node{name: "info"}
	n.add("language", Language)
	n.add("category", c.Category)
	n.add("event", mark(c.Event))
	n.add("responseType", c.Response)
	n.add("urgency", c.Urgency)
	n.add("severity", c.Severity)
	n.add("certainty", c.Certainty)
	n.add("audience", strings.Join(b.Audience.Groups, "、"))
	if !b.SendAt.IsZero() {
		n.add("effective", stamp(b.SendAt))
	}
	if !b.Expires.IsZero() {
		n.add("expires", stamp(b.Expires))
	}
	source := c.Source
	if source == "" {
		source = e.Name
	}
	n.add("senderName", source)
	n.add("headline", mark(c.Headline))
	n.add("description", mark(c.Description))
	n.add("instruction", mark(c.Instruction))
	n.add("web", c.Web)
	n.add("contact", c.Contact)
	n.children = append(n.children, areas(b)...)
	return n
}

// areas has one for each region, named and coded.
func areas(b knowledge.Broadcast) (out []node) {
	for _, code := range b.Audience.Areas {
		area := node{name: "area"}
		area.add("areaDesc", knowledge.RegionName(code))
		geocode := node{name: "geocode"}
		geocode.add("valueName", geocodeName)
		geocode.add("value", code)
		area.children = append(area.children, geocode)
		out = append(out, area)
	}
	if len(out) == 0 && b.Type == knowledge.Alert {
		area := node{name: "area"}
		area.add("areaDesc", everywhere)
		out = append(out, area)
	}
	return out
}

// ours is what we want of what we send beyond the standard's rules: what it only recommends, and what XML cannot say.
func ours(alert node) (out []complaint) {
	if !xsdDateTime.MatchString(alert.text("sent")) {
		out = append(out, complaint{what: "sent：没有时间"})
	}
	for _, info := range alert.all("info") {
		for _, name := range []string{"headline", "expires"} {
			if info.text(name) == "" {
				out = append(out, complaint{what: "info 缺 " + name})
			}
		}
	}
	var walk func(node)
	walk = func(n node) {
		if !utf8.ValidString(n.said) || strings.ContainsFunc(n.said, unsayable) {
			out = append(out, complaint{what: n.name + " 里有不能显示的字符，请重新输入"})
		}
		for _, c := range n.children {
			walk(c)
		}
	}
	walk(alert)
	return out
}

// unsayable reports whether XML 1.0 has no way to write the character.
func unsayable(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' || r == 0xfffe || r == 0xffff || r == utf8.RuneError
}
