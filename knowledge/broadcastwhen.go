package knowledge

import "time"

// GoesOut says when people get what is approved at now, in words that follow 核准以后: the page, the form and the terminal all say this. wakes: it is sent
// at night too, by itself or for what it corrects; quiet are the hours in which nothing else is (broadcast.Quiet).
func (b Broadcast) GoesOut(now time.Time, wakes bool, quiet func(time.Time) bool) string {
	start, words := now, "几秒钟里开始发"
	if b.SendAt.After(now) {
		start, words = b.SendAt, hourWord(b.SendAt, now)+"开始发"
	}
	first := start
	for !wakes && quiet(first) {
		first = first.Truncate(time.Hour).Add(time.Hour) // China's hours are whole ones from UTC
	}
	night := "夜里只发急的"
	if b.Exercise {
		night = "夜里不发演练"
	}
	switch {
	case !b.Expires.IsZero() && !start.Before(b.Expires):
		return "一个人也收不到：那时已经过了最晚还发的时间"
	case first.Equal(start):
		return words
	case !b.Expires.IsZero() && !first.Before(b.Expires):
		return "一个人也收不到：" + night + "，等到早上7点已经过了最晚还发的时间"
	case b.SendAt.After(now):
		return "等到" + hourWord(first, now) + "才发：定的" + hourWord(b.SendAt, now) + "是夜里，" + night
	}
	return "等到早上7点（" + hourWord(first, now) + "）才发：" + night
}

// hourWord is short for what is near.
func hourWord(t, now time.Time) string {
	t, now = t.In(China), now.In(China)
	if t.YearDay() == now.YearDay() && t.Year() == now.Year() {
		return t.Format("今天15:04")
	}
	return t.Format("1月2日15:04")
}
