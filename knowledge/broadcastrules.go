package knowledge

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

var (
	phoneNumbers = regexp.MustCompile(`[打拨话线：、或和](11[09]|12[02]|9[0-9]{4}|12[0-9]{3}|1[3-9][0-9]{9}|[48]00[0-9]{7})\b`)
	// landlines, and 400 and 800 numbers that are written in groups: nothing else looks like these
	groupedNumbers = regexp.MustCompile(`\b(0[0-9]{2,3}[-－ ]?[0-9]{7,8}|[48]00[-－ ]([0-9]{3}[-－ ]?[0-9]{4}|[0-9]{4}[-－ ]?[0-9]{3}))\b`)
	blank          = regexp.MustCompile(`〔[^〕]*〕`)
	areaCode       = regexp.MustCompile(`^([0-9]{6}|[0-9]{9})$`)
)

// AudienceGroups are those that a broadcast can be meant for.
var AudienceGroups = []string{"老人", "农民", "学生", "工人", "公务员"}

// ActualPhrase is typed by hand by who approves what is really sent; the headline does as well.
const ActualPhrase = "实际发布"

// The actions on broadcasts; each event's detail names the broadcast's identifier as "broadcast".
const (
	BroadcastMade       Action = "broadcast.drafted"
	BroadcastEdited     Action = "broadcast.edited"
	BroadcastSent       Action = "broadcast.submitted" // for approval
	BroadcastReturned   Action = "broadcast.returned"
	BroadcastSigned     Action = "broadcast.approved"
	BroadcastLapsed     Action = "broadcast.lapsed" // its approval did
	BroadcastBegun      Action = "broadcast.begun"
	BroadcastHeld       Action = "broadcast.paused"
	BroadcastGoesOn     Action = "broadcast.resumed"
	BroadcastStopped    Action = "broadcast.cancelled"
	BroadcastRanOut     Action = "broadcast.expired"
	BroadcastFinished   Action = "broadcast.done"
	EndpointAdded       Action = "endpoint.added"
	EndpointEnded       Action = "endpoint.ended"
	ExerciseGroupJoined Action = "exercise_group.joined"
	ExerciseGroupLeft   Action = "exercise_group.left"
)

var broadcastActionWords = map[Action]string{
	BroadcastMade: "起草", BroadcastEdited: "修改，原来的核准作废", BroadcastSent: "送核准", BroadcastReturned: "退回", BroadcastSigned: "核准", BroadcastLapsed: "核准失效",
	BroadcastBegun: "开始发", BroadcastHeld: "暂停", BroadcastGoesOn: "接着发", BroadcastStopped: "取消", BroadcastRanOut: "过了时限", BroadcastFinished: "发完",
}

// BroadcastActionWord words what the audit log tells.
func BroadcastActionWord(action string) string {
	if word := broadcastActionWords[Action(action)]; word != "" {
		return word
	}
	return action
}

var broadcastStateWords = map[BroadcastState]string{
	BroadcastDraft: "草稿", BroadcastSubmitted: "等人核准", BroadcastApproved: "已核准，还没开始发", BroadcastSending: "正在发",
	BroadcastPaused: "暂停", BroadcastDone: "发完了", BroadcastCancelled: "已取消，没发的不再发", BroadcastExpired: "过了时限，没发的不再发",
}

// Word names the state to the staff.
func (s BroadcastState) Word() string { return broadcastStateWords[s] }

// KindWord says whether it is real: the first thing that the staff see of it, everywhere.
func (b Broadcast) KindWord() string {
	if b.Exercise {
		return "演练"
	}
	return "实发"
}

// Word names the type to the staff.
func (t MsgType) Word() string {
	return map[MsgType]string{Alert: "通知", Update: "更正", Cancel: "作废"}[t]
}

// broadcastDocument is what an approval binds, in a form that is the same every time: its SHA-256 is the broadcast's hash.
type broadcastDocument struct {
	Type       MsgType           `json:"type"`
	Exercise   bool              `json:"exercise"`
	References int64             `json:"references"`
	Content    BroadcastContent  `json:"content"`
	Audience   Audience          `json:"audience"`
	Texts      map[string]string `json:"texts"`
	SendAt     *time.Time        `json:"send_at"`
	Expires    time.Time         `json:"expires"`
}

// Document renders the texts and returns all that an approval binds, as it is stored.
func (b Broadcast) Document() []byte {
	b = b.normal()
	d := broadcastDocument{b.Type, b.Exercise, b.References, b.Content, b.Audience, b.Render(), nil, b.Expires}
	if !b.SendAt.IsZero() {
		d.SendAt = &b.SendAt
	}
	document, err := json.Marshal(d) // strings, numbers and times of this era: cannot fail
	if err != nil {
		panic("knowledge: broadcast does not marshal: " + err.Error())
	}
	return document
}

// ReadDocument fills in what a stored document says.
func (b *Broadcast) ReadDocument(document []byte) error {
	var d broadcastDocument
	if err := json.Unmarshal(document, &d); err != nil {
		return fmt.Errorf("stored broadcast: %w", err)
	}
	b.Type, b.Exercise, b.References, b.Content, b.Audience, b.Rendered, b.Expires = d.Type, d.Exercise, d.References, d.Content, d.Audience, d.Texts, d.Expires
	b.SendAt = time.Time{}
	if d.SendAt != nil {
		b.SendAt = *d.SendAt
	}
	b.Hash = sha256.Sum256(document)
	return nil
}

// normal has one form for what says the same: times to the second in UTC, lists never nil, sorted where their order says nothing.
func (b Broadcast) normal() Broadcast {
	second := func(t time.Time) time.Time {
		if t.IsZero() {
			return t
		}
		return t.UTC().Truncate(time.Second)
	}
	b.SendAt, b.Expires = second(b.SendAt), second(b.Expires)
	a := b.Audience
	b.Audience = Audience{Areas: set(a.Areas), Topics: set(a.Topics), Groups: set(a.Groups), Channels: set(a.Channels), ReadersOf: a.ReadersOf}
	if len(a.Areas) == 0 {
		b.Audience.Unplaced = a.Unplaced
	}
	for _, s := range []*string{&b.Content.Description, &b.Content.Instruction, &b.Content.Reason} {
		*s = strings.ReplaceAll(*s, "\r\n", "\n")
	}
	texts := map[string]string{}
	for channel, text := range b.Content.Texts {
		if text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")); text != "" {
			texts[channel] = text
		}
	}
	b.Content.Texts = texts
	return b
}

func set[T ~string](of []T) []T {
	out := slices.Compact(slices.Sorted(slices.Values(of)))
	if out == nil {
		out = []T{}
	}
	return out
}

// capWords are the words of CAP 1.2 that a field may have.
var capWords = []struct {
	field string
	of    func(BroadcastContent) string
	words []string
}{
	{"category", func(c BroadcastContent) string { return c.Category },
		[]string{"Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"}},
	{"response", func(c BroadcastContent) string { return c.Response },
		[]string{"Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None"}},
	{"urgency", func(c BroadcastContent) string { return c.Urgency }, []string{"Immediate", "Expected", "Future", "Past", "Unknown"}},
	{"severity", func(c BroadcastContent) string { return c.Severity }, []string{"Extreme", "Severe", "Moderate", "Minor", "Unknown"}},
	{"certainty", func(c BroadcastContent) string { return c.Certainty }, []string{"Observed", "Likely", "Possible", "Unlikely", "Unknown"}},
}

// HeadlineMost bounds the first line, which has to be taken in at once.
const HeadlineMost = 30

// Complaints say all that keeps the broadcast from being submitted; none: it may be. What a draft may not have either is in Wrong.
func (b Broadcast) Complaints(now time.Time) []string {
	c := b.Content
	complaints := b.Wrong()
	if !writable(b.SendAt) || !writable(b.Expires) {
		return complaints
	}
	need := func(what, name string) {
		if strings.TrimSpace(what) == "" {
			complaints = append(complaints, "还没有写"+name)
		}
	}
	need(c.Headline, "第一句话（headline）")
	need(c.Event, "是什么事（event）")
	need(c.Source, "谁说的（source）")
	if b.Type == Alert {
		need(c.Description+c.Instruction, "说明（description）或怎么做（instruction）")
	} else {
		need(c.Reason, "原来的哪里不对（reason）")
	}
	if blanks := slices.Compact(slices.Sorted(slices.Values(blank.FindAllString(string(b.Document()), -1)))); len(blanks) > 0 {
		complaints = append(complaints, "还有空没填："+strings.Join(blanks, "、"))
	}
	if unknown := slices.DeleteFunc(slices.Clone(b.Audience.Areas), KnownRegion); len(unknown) > 0 {
		complaints = append(complaints, fmt.Sprintf("地区表里没有 %.200s：看看是不是写错了；要是没有错，先让管机器的同事导入当地的地区表（qiuzhen area import）", strings.Join(unknown, "、")))
	}
	if web := strings.TrimSpace(c.Web); web != "" && !webAddress(web) {
		complaints = append(complaints, "详情的网址（web）要以 https:// 或 http:// 开头，中间没有空格")
	}
	if b.Exercise && slices.Contains(b.Audience.Channels, WeChatMass) {
		complaints = append(complaints, "演练不能用微信群发：演练组以外的人也会收到")
	}
	if furthest := now.Add(FurthestAhead); b.Expires.After(furthest) || b.SendAt.After(furthest) {
		complaints = append(complaints, "开始发的时间（send_at）和最晚还发的时间（expires）都不能晚过30天以后")
	}
	if !b.Expires.After(now) {
		complaints = append(complaints, "最晚几点还发（expires）已经过了，请改晚")
	}
	if !b.SendAt.IsZero() && !b.Expires.After(b.SendAt) {
		complaints = append(complaints, "开始发的时间（send_at）要早于最晚还发的时间（expires）")
	}
	for _, ch := range BroadcastChannels {
		if n := ch.Length(b.render(ch.Name)); n > ch.Most && b.Uses(ch.Name) {
			complaints = append(complaints, fmt.Sprintf("%s的文字太长：%d%s，最多%d%s；请写短，或者给它单独写一份", ch.Word, n, ch.Unit, ch.Most, ch.Unit))
		}
	}
	return complaints
}

// webAddress reports whether readers can open it.
func webAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && !strings.ContainsFunc(s, unicode.IsSpace)
}

// Uses reports whether the broadcast may go out as this text. A correction goes wherever its original went.
func (b Broadcast) Uses(text string) bool {
	return len(b.Audience.Channels) == 0 && (text != WeChatMass || b.Type != Alert) || slices.Contains(b.Audience.Channels, strings.TrimSuffix(text, "_template"))
}

// FurthestAhead bounds the times of a broadcast: what is said now is not true for longer.
const FurthestAhead = 30 * 24 * time.Hour

// writable reports whether a document can say the time: JSON has years of four digits. None at all is one.
func writable(t time.Time) bool { return t.IsZero() || t.Year() >= 2000 && t.Year() < 9999 }

// Wrong says what not even a draft may have.
func (b Broadcast) Wrong() []string {
	if !writable(b.SendAt) || !writable(b.Expires) { // the rest looks at the document, which such a one cannot have
		return []string{"开始发的时间（send_at）或最晚还发的时间（expires）的年份写错了"}
	}
	var wrong []string
	c := b.Content
	for _, f := range capWords {
		if !slices.Contains(f.words, f.of(c)) {
			wrong = append(wrong, fmt.Sprintf("%s 是 %.20q；可用：%s", f.field, f.of(c), strings.Join(f.words, " ")))
		}
	}
	if utf8.RuneCountInString(c.Headline) > HeadlineMost || strings.ContainsAny(c.Headline, "\r\n") {
		wrong = append(wrong, fmt.Sprintf("第一句话最多%d个字，写在一行里，现在%d个", HeadlineMost, utf8.RuneCountInString(c.Headline)))
	}
	for _, mark := range []string{ExerciseMark, updateMark, cancelMark} {
		if strings.Contains(c.Headline+c.Event, mark) {
			wrong = append(wrong, "第一句话里不用写"+mark+"，程序按演练、更正、作废自己加")
		}
	}
	if utf8.RuneCountInString(c.Event) > 12 {
		wrong = append(wrong, "是什么事（event）最多12个字")
	}
	for name := range maps.Keys(c.Texts) {
		if !slices.ContainsFunc(BroadcastChannels, func(ch BroadcastChannel) bool { return ch.Name == name }) {
			wrong = append(wrong, fmt.Sprintf("没有 %.20q 这种渠道", name))
		}
	}
	if c.OriginExercise && !b.Exercise {
		wrong = append(wrong, "它是照别的系统的一条演练写的（原文 status 是 Exercise），不能改成实发；真有这件事，先向发出的单位问清楚，再另写一条")
	}
	if bad := b.unsayable(); bad >= 0 {
		wrong = append(wrong, fmt.Sprintf("有不是文字的字符（%U：控制字符，或者改变文字方向的字符），请删掉重新打", bad))
	}
	if len(c.Origin) > originMost || len(b.Document()) > 150000 {
		wrong = append(wrong, "写得太长")
	}
	return append(append(wrong, b.wrongChain()...), b.Audience.wrong()...)
}

// originMost bounds another system's name for its alert, in bytes.
const originMost = 500

func (b Broadcast) wrongChain() []string {
	switch {
	case b.Type != Alert && b.Type != Update && b.Type != Cancel:
		return []string{fmt.Sprintf("类型是 %.20q；可用：Alert Update Cancel", b.Type)}
	case b.Type == Alert && b.References != 0:
		return []string{"新通知不能更正别的；要更正请用 Update 或 Cancel"}
	case b.Type != Alert && b.References == 0:
		return []string{"更正和作废要写明是哪一条（references）"}
	case b.Type != Alert && (len(b.Audience.Areas) > 0 || len(b.Audience.Topics) > 0 || len(b.Audience.Groups) > 0 || len(b.Audience.Channels) > 0 || b.Audience.ReadersOf != "" || b.Audience.Unplaced != ""):
		return []string{"更正和作废发给收到原来那一条的人，不能另选"}
	}
	return nil
}

func (a Audience) wrong() (wrong []string) {
	for _, code := range a.Areas {
		if !areaCode.MatchString(code) {
			wrong = append(wrong, fmt.Sprintf("地区 %.20q 不是六位的代码（省、市、县）或九位的代码（乡镇）", code))
		}
	}
	for _, t := range a.Topics {
		if !slices.Contains([]Topic{Health, Fraud, Disaster, Rumour}, t) {
			wrong = append(wrong, fmt.Sprintf("没有 %.20q 这个主题；可用：health fraud disaster rumour", t))
		}
	}
	for _, g := range a.Groups {
		if !slices.Contains(AudienceGroups, g) {
			wrong = append(wrong, fmt.Sprintf("没有 %.20q 这个人群；可用：%s", g, strings.Join(AudienceGroups, " ")))
		}
	}
	for _, name := range a.Channels {
		if name == WeChatTemplate || !slices.ContainsFunc(BroadcastChannels, func(ch BroadcastChannel) bool { return ch.Name == name }) {
			wrong = append(wrong, fmt.Sprintf("没有 %.20q 这种渠道", name))
		}
	}
	return wrong
}
