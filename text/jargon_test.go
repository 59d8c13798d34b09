package text

import "testing"

func TestJargon(t *testing.T) {
	for text, want := range map[string]int{
		"脑卒中要马上打120。":            2, // 脑卒中 and 卒中
		"脑卒中，就是中风，要马上打120。":      0,
		"这是中风。医生叫它脑卒中。":          0,
		"多喝水，勤洗手。":               0,
		"磷化铝会放出磷化氢。":             2,
		"磷化铝是熏蒸粮食的药，会放出一种毒气磷化氢。": 0,
	} {
		if got := Jargon(text); len(got) != want {
			t.Errorf("%s: %v, want %d words", text, got, want)
		}
	}
}
