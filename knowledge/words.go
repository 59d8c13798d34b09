package knowledge

import (
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// How an entry's parts are worded for readers, the same in every channel.

// UnsignedLine labels content that nobody has signed yet, wherever it is shown.
const UnsignedLine = "示范内容，尚未经专家签审。"

// EmergencyLine labels what two publishers put out before it was fully reviewed.
const EmergencyLine = "紧急核发，24小时内复核。"

var tails = map[Verdict]string{
	False:      "是谣言，不要转发",
	Misleading: "会误导人，不要照着做",
	PartlyTrue: "只对了一半",
	True:       "是真的，请照做",
	Unproven:   "目前没有定论",
}

// FirstLine is what is read aloud: a claim by its short name with the verdict, a guide's first action.
func (e Entry) FirstLine() string {
	if e.Kind == Guide {
		if len(e.Actions) == 0 {
			return Closed(e.Summary)
		}
		return Closed(e.Actions[0])
	}
	tail := e.Tail
	if tail == "" {
		tail = tails[e.Verdict]
	}
	return "“" + e.Short + "”" + tail + "。"
}

// Steps are what to do after the first line, which has said a guide's first action.
func (e Entry) Steps() []string {
	if e.Kind == Guide && len(e.Actions) > 0 {
		return e.Actions[1:]
	}
	return e.Actions
}

// RegionNames are those of the regions that the entry holds in; none: everywhere.
func (e Entry) RegionNames() []string {
	names := make([]string, len(e.Regions))
	for i, r := range e.Regions {
		names[i] = RegionName(r)
	}
	return names
}

// Line names a source in full: institution, title, date.
func (s Source) Line() string {
	line := s.Institution + "《" + aloud(strings.Trim(s.Title, "《》")) + "》"
	if date := ChineseDate(s.Date); date != "" {
		line += "（" + date + "）"
	}
	return line
}

// aloud words the marks of a title that are no words: #310 is 第310号.
func aloud(title string) string {
	title = numberSign.ReplaceAllString(title, "第${1}号")
	return strings.NewReplacer("[", "【", "]", "】", "*", "", "#", "", "`", "").Replace(title)
}

var numberSign = regexp.MustCompile(`#([0-9]+)`)

// Line names who signed, as what, where and when.
func (r Review) Line() string {
	at := r.At.In(China)
	who := strings.TrimSpace(r.Reviewer + " " + r.Title) // editors need no title
	return fmt.Sprintf("%s · %s · %d年%d月", who, r.Institution, at.Year(), at.Month())
}

// China is the time that readers live by; it has had no summer time since 1991.
var China = time.FixedZone("CST", 8*60*60)

// ChineseDay words the day of an instant as it is read aloud.
func ChineseDay(t time.Time) string { return ChineseDate(t.In(China).Format(time.DateOnly)) }

// ChineseDate words 2020, 2020-10 or 2020-10-27 as it is read aloud.
func ChineseDate(date string) string {
	units := []string{"年", "月", "日"}
	var b strings.Builder
	for i, n := range strings.Split(date, "-") {
		if n != "" && i < len(units) {
			b.WriteString(strings.TrimPrefix(n, "0") + units[i])
		}
	}
	return b.String()
}

// Closed ends a sentence with a mark when it has none, or one that another sentence must follow.
func Closed(s string) string {
	s = strings.TrimRight(s, "；;，,")
	if r, _ := utf8.DecodeLastRuneInString(strings.TrimRight(s, "”’）)》」』")); strings.ContainsRune("。？！?!…", r) {
		return s
	}
	return s + "。"
}
