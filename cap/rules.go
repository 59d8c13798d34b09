package cap

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// rule is what the standard says of one element.
type rule struct {
	name     string
	min, max int                 // how often it comes; max 0: any number
	wrong    func(string) string // what is wrong with its text; empty: nothing
	children []rule              // in their order; an element has these or text
}

// required comes once, optional at most once, repeated any number of times.
func required(name string, wrong func(string) string) rule {
	return rule{name: name, min: 1, max: 1, wrong: wrong}
}
func optional(name string, wrong func(string) string) rule {
	return rule{name: name, max: 1, wrong: wrong}
}
func repeated(name string, wrong func(string) string) rule { return rule{name: name, wrong: wrong} }

// The standard's enumerations.
var (
	statuses    = []string{"Actual", "Exercise", "System", "Test", "Draft"}
	msgTypes    = []string{"Alert", "Update", "Cancel", "Ack", "Error"}
	scopes      = []string{"Public", "Restricted", "Private"}
	categories  = []string{"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"}
	responses   = []string{"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"}
	urgencies   = []string{"Immediate", "Expected", "Future", "Past", "Unknown"}
	severities  = []string{"Extreme", "Severe", "Moderate", "Minor", "Unknown"}
	certainties = []string{"Observed", "Likely", "Possible", "Unlikely", "Unknown"}
)

// named is a pair of a name and a value: eventCode, parameter, geocode.
func named(name string) rule {
	return rule{name: name, children: []rule{required("valueName", filled), required("value", nil)}}
}

// alertRules are CAP 1.2's elements, from the standard's data dictionary (3.2) and schema (3.4).
var alertRules = rule{name: "alert", children: []rule{
	required("identifier", token), required("sender", token), required("sent", dateTime),
	required("status", oneOf(statuses)), required("msgType", oneOf(msgTypes)), optional("source", nil), required("scope", oneOf(scopes)),
	optional("restriction", nil), optional("addresses", nil), repeated("code", nil), optional("note", nil),
	optional("references", references), optional("incidents", nil),
	{name: "info", children: []rule{
		optional("language", language), {name: "category", min: 1, wrong: oneOf(categories)}, required("event", filled),
		repeated("responseType", oneOf(responses)), required("urgency", oneOf(urgencies)), required("severity", oneOf(severities)),
		required("certainty", oneOf(certainties)), optional("audience", nil), named("eventCode"), optional("effective", dateTime),
		optional("onset", dateTime), optional("expires", dateTime), optional("senderName", nil), optional("headline", nil),
		optional("description", nil), optional("instruction", nil), optional("web", uri), optional("contact", nil), named("parameter"),
		{name: "resource", children: []rule{
			required("resourceDesc", filled), required("mimeType", filled), optional("size", integer), optional("uri", uri),
			optional("derefUri", nil), optional("digest", nil),
		}},
		{name: "area", children: []rule{
			required("areaDesc", filled), repeated("polygon", polygon), repeated("circle", circle), named("geocode"),
			optional("altitude", decimal), optional("ceiling", decimal),
		}},
	}},
}}

// check holds an alert against the rules.
func check(alert node) []complaint {
	if alert.name != alertRules.name || alert.foreign {
		return []complaint{{alert.line, fmt.Sprintf("最外面是 %s，应当是 CAP 1.2 的 alert（命名空间 %s）", shown(alert.name), Namespace)}}
	}
	out := alertRules.check(alert)
	scope, kind := alert.text("scope"), alert.text("msgType")
	for _, needs := range []struct {
		when    bool
		element string
		why     string
	}{
		{scope == "Restricted", "restriction", "scope 是 Restricted"},
		{scope == "Private", "addresses", "scope 是 Private"},
		{slices.Contains(msgTypes[1:], kind), "references", "msgType 是 " + kind},
	} {
		if needs.when && strings.TrimSpace(alert.text(needs.element)) == "" {
			out = append(out, complaint{alert.line, fmt.Sprintf("%s，要有 %s", needs.why, needs.element)})
		}
	}
	return out
}

func (r rule) check(n node) (out []complaint) {
	if len(r.children) == 0 {
		if len(n.children) > 0 {
			return []complaint{{n.line, n.name + " 里面只能是文字"}}
		}
		if r.wrong != nil {
			if wrong := r.wrong(n.said); wrong != "" {
				out = append(out, complaint{n.line, n.name + "：" + wrong})
			}
		}
		return out
	}
	if strings.TrimSpace(n.said) != "" {
		out = append(out, complaint{n.line, n.name + " 里面不能直接写文字"})
	}
	return append(out, r.checkChildren(n)...)
}

func (r rule) checkChildren(n node) (out []complaint) {
	counts, last := make([]int, len(r.children)), 0
	for _, child := range n.children {
		if child.foreign { // the schema allows them at the end of alert, for signatures; who reads notes them
			if r.name != "alert" {
				out = append(out, complaint{child.line, fmt.Sprintf("%s 里面不能有别的命名空间的 %s", n.name, shown(child.name))})
			}
			continue
		}
		at := slices.IndexFunc(r.children, func(c rule) bool { return c.name == child.name })
		if at < 0 {
			out = append(out, complaint{child.line, fmt.Sprintf("%s 里面没有 %s 这一项", n.name, shown(child.name))})
			continue
		}
		if at < last {
			out = append(out, complaint{child.line, fmt.Sprintf("%s 应当在 %s 前面", child.name, r.children[last].name)})
		}
		last = max(last, at)
		counts[at]++
		if most := r.children[at].max; most > 0 && counts[at] == most+1 {
			out = append(out, complaint{child.line, child.name + " 只能有一个"})
		}
		out = append(out, r.children[at].check(child)...)
	}
	for i, c := range r.children {
		if counts[i] < c.min {
			out = append(out, complaint{n.line, fmt.Sprintf("%s 缺 %s", n.name, c.name)})
		}
	}
	return out
}

// What an element's text may be.

func oneOf(values []string) func(string) string {
	return func(s string) string {
		if slices.Contains(values, s) {
			return ""
		}
		return fmt.Sprintf("“%s” 应当是 %s 之一", shown(s), strings.Join(values, "、"))
	}
}

func filled(s string) string {
	if strings.TrimSpace(s) == "" {
		return "是空的"
	}
	return ""
}

// token is an identifier or a sender.
func token(s string) string {
	if s == "" {
		return "是空的"
	}
	if strings.ContainsAny(s, ",<&") || strings.ContainsFunc(s, unicode.IsSpace) {
		return fmt.Sprintf("“%s” 不能有空格、逗号、< 和 &", shown(s))
	}
	return ""
}

func dateTime(s string) string {
	if _, err := readTime(s); err != nil {
		return err.Error()
	}
	return ""
}

func references(s string) string {
	if _, err := readReferences(s); err != nil {
		return err.Error()
	}
	return ""
}

var languageTag = regexp.MustCompile(`^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$`)

func language(s string) string {
	if s == "" || languageTag.MatchString(s) { // empty means en-US, as if it were not there
		return ""
	}
	return fmt.Sprintf("“%s” 不是语言代码（像 zh-CN）", shown(s))
}

func uri(s string) string {
	if _, err := url.Parse(s); err != nil || strings.ContainsFunc(s, unicode.IsSpace) {
		return fmt.Sprintf("“%s” 不是网址", shown(s))
	}
	return ""
}

func integer(s string) string {
	if _, err := strconv.ParseInt(s, 10, 64); err != nil {
		return fmt.Sprintf("“%s” 不是整数", shown(s))
	}
	return ""
}

var decimals = regexp.MustCompile(`^[-+]?(\d+(\.\d*)?|\.\d+)$`)

func decimal(s string) string {
	if !decimals.MatchString(s) {
		return fmt.Sprintf("“%s” 不是数", shown(s))
	}
	return ""
}

// point reports whether s is latitude,longitude in degrees (WGS 84).
func point(s string) bool {
	latitude, longitude, ok := strings.Cut(s, ",")
	within := func(s string, most float64) bool {
		v, err := strconv.ParseFloat(s, 64)
		return err == nil && decimals.MatchString(s) && v >= -most && v <= most
	}
	return ok && within(latitude, 90) && within(longitude, 180)
}

func polygon(s string) string {
	points := strings.Fields(s)
	if len(points) < 4 || points[0] != points[len(points)-1] || slices.ContainsFunc(points, func(p string) bool { return !point(p) }) {
		return fmt.Sprintf("“%s” 应当是至少四个 纬度,经度，首尾相同", shown(s))
	}
	return ""
}

func circle(s string) string {
	parts := strings.Fields(s)
	if len(parts) != 2 || !point(parts[0]) || !decimals.MatchString(parts[1]) || strings.HasPrefix(parts[1], "-") {
		return fmt.Sprintf("“%s” 应当是 纬度,经度 半径（公里）", shown(s))
	}
	return ""
}
