package sensing_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/sensing"
)

// TestJudge: what is a surge and what is not, one rule at a time.
func TestJudge(t *testing.T) {
	now := time.Date(2026, 7, 15, 15, 0, 0, 0, knowledge.China)
	flat := func(every time.Duration, n int) (out []sensing.Hour) {
		for at := now.Add(-sensing.Past); at.Before(now.Add(-time.Hour)); at = at.Add(every) {
			out = append(out, sensing.Hour{At: at.Truncate(time.Hour), Readers: n})
		}
		return out
	}
	week := 7 * 24 * time.Hour
	sundays := []sensing.Hour{{now.Add(-week - time.Hour), 30}, {now.Add(-2*week - time.Hour), 30}, {now.Add(-3*week - time.Hour), 30}}
	series := func(topic int64, where sensing.Where, half, two int, past []sensing.Hour) sensing.Series {
		return sensing.Series{Topic: topic, Where: where, Windows: [2]int{half, two}, Past: past}
	}
	open := func(where sensing.Where, last time.Duration) []sensing.Surge {
		return []sensing.Surge{{ID: 7, Topic: 1, Where: where, From: now.Add(-last - time.Hour), Last: now.Add(-last)}}
	}
	for name, c := range map[string]struct {
		series []sensing.Series
		surges []sensing.Surge
		all    [2]int
		since  time.Duration
		begin  []sensing.Where
		goOn   bool
	}{
		"nothing":                          {},
		"a new topic, many readers":        {series: []sensing.Series{series(1, "", 9, 9, nil)}, begin: []sensing.Where{""}},
		"a new topic, four readers":        {series: []sensing.Series{series(1, "", 4, 4, nil)}},
		"as always":                        {series: []sensing.Series{series(1, "", 4, 14, flat(time.Hour, 6))}},
		"three times as always, by chance": {series: []sensing.Series{series(1, "", 9, 14, flat(time.Hour, 6))}},
		"ten times as always":              {series: []sensing.Series{series(1, "", 30, 40, flat(time.Hour, 6))}, begin: []sensing.Where{""}},
		"slow":                             {series: []sensing.Series{series(1, "", 4, 16, flat(24*time.Hour, 1))}, begin: []sensing.Where{""}},
		"as each week":                     {series: []sensing.Series{series(1, "", 14, 30, sundays)}},
		"as last week only":                {series: []sensing.Series{series(1, "", 14, 30, sundays[:1])}, begin: []sensing.Where{""}},
		"everybody asks":                   {series: []sensing.Series{series(1, "", 17, 50, flat(time.Hour, 10))}, all: [2]int{200, 800}},
		"the first day of the service":     {series: []sensing.Series{series(1, "", 50, 50, nil)}, since: 20 * time.Hour},
		"one county's":                     {series: []sensing.Series{series(1, "", 12, 12, nil), series(1, "320623", 9, 9, nil)}, begin: []sensing.Where{"320623"}},
		"two counties'":                    {series: []sensing.Series{series(1, "", 20, 20, nil), series(1, "320623", 9, 9, nil), series(1, "320681", 9, 9, nil)}, begin: []sensing.Where{""}},
		"two topics":                       {series: []sensing.Series{series(1, "", 20, 20, nil), series(2, "320623", 9, 9, nil)}, begin: []sensing.Where{"", "320623"}},
		"goes on":                          {series: []sensing.Series{series(1, "", 20, 20, nil)}, surges: open("", time.Hour), goOn: true},
		"goes on next morning":             {series: []sensing.Series{series(1, "", 20, 20, nil)}, surges: open("", 20*time.Hour), goOn: true},
		"goes on in a county":              {series: []sensing.Series{series(1, "320623", 20, 20, nil)}, surges: open("", time.Hour), goOn: true},
		"of a county, now everywhere":      {series: []sensing.Series{series(1, "", 20, 20, nil)}, surges: open("320623", time.Hour), goOn: true},
		"comes to another county":          {series: []sensing.Series{series(1, "320681", 20, 20, nil)}, surges: open("320623", time.Hour), begin: []sensing.Where{"320681"}},
		"over for long":                    {series: []sensing.Series{series(1, "", 20, 20, nil)}, surges: open("", 25*time.Hour), begin: []sensing.Where{""}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.since == 0 {
				c.since = sensing.Past
			}
			l := sensing.Look{Now: now, Since: now.Add(-c.since), Series: c.series, Surges: c.surges, Tests: 100}
			l.All = sensing.Series{Windows: c.all, Past: flat(time.Hour, 100)}
			for i := range l.Series {
				l.Series[i].Placed = [2]int{12, 12}
			}
			v := l.Judge()
			var got []sensing.Where
			for _, s := range v.Begin {
				got = append(got, s.Where)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.begin) || len(v.GoOn) > 0 != c.goOn {
				t.Errorf("%q %+v, want %q, %t", got, v, c.begin, c.goOn)
			}
		})
	}
}

// TestClusters: the same claim in other words is one topic, another claim is not, and an entry's topic is the entry's.
func TestClusters(t *testing.T) {
	c := sensing.NewClusters([]sensing.Topic{
		{ID: 1, Entry: "baijiu"}, {ID: 2, Words: "明天起全市菜场关门三天，赶紧囤菜"}, {ID: 3, Words: "长江大堤狼山段裂了，今晚要放水淹下游"}, {ID: 4},
	}, nil)
	for _, m := range []struct {
		message sensing.Message
		topic   int64
		about   bool
	}{
		{sensing.Message{Entry: "baijiu", Text: "喝白酒杀病毒"}, 1, true},
		{sensing.Message{Entry: "other", Text: "明天起全市菜场关门三天"}, 0, true},
		{sensing.Message{Text: "紧急通知！明天起全市菜场关门三天，赶紧囤菜！转给家人"}, 2, true},
		{sensing.Message{Text: "明天起全市菜場關門三天"}, 2, true},
		{sensing.Message{Text: "我听邻居说，他们单位已经通知了，明天起全市菜场关门三天，赶紧囤菜，你们那里有没有听到"}, 2, true},
		{sensing.Message{Text: "狼山段长江大堤裂了"}, 3, true},
		{sensing.Message{Text: "明天起全市幼儿园放假"}, 0, true},
		{sensing.Message{Text: "谢谢"}, 0, false},
		{sensing.Message{Text: "😂😂😂"}, 0, false},
		{sensing.Message{}, 0, false},
	} {
		topic, about, err := c.Find(context.Background(), m.message)
		if err != nil || topic != m.topic || about != m.about {
			t.Errorf("%+v: topic %d, about %t, %v; want %d, %t", m.message, topic, about, err, m.topic, m.about)
		}
	}
}
