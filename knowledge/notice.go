package knowledge

import "time"

// NoticeKind says what somebody of the staff is told.
type NoticeKind string

// The kinds of notice.
const (
	ReviewDue30 NoticeKind = "review_due_30" // what you signed, or nobody else can look after, stops being served within 30 days
	ReviewDue7  NoticeKind = "review_due_7"  // within 7
)

// FirstReminder is how long before a version's last day its reviewers are told first.
const FirstReminder = 30 * 24 * time.Hour

// Reminders are the kinds that come before a version's last day, the nearest first.
var Reminders = []struct {
	Kind   NoticeKind
	Before time.Duration
}{{ReviewDue7, 7 * 24 * time.Hour}, {ReviewDue30, FirstReminder}}

// Notice is one thing that one person is told, once.
type Notice struct {
	ID      int64
	Kind    NoticeKind
	Entry   ID
	Version int
	Title   string     // of the version
	Due     time.Time  // the version is not served from then on
	At      time.Time  // filed
	Read    *time.Time // nil: open
}

// Line says it in words, as of now.
func (n Notice) Line(now time.Time) string {
	if !n.Due.After(now) {
		return "已到期，不再回答：" + n.Title + "，请复核"
	}
	return n.Due.In(China).Format("2006年1月2日") + "到期：" + n.Title + "，请在这以前复核"
}
