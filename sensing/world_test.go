//go:build !race

package sensing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/sensing"
)

// A simulated city: what its readers ask in two weeks of history and the month after them, and the surges that were planted in it. What is usual
// has a day and a week, topics that a few or many ask about, and more noise than chance; and there is what must raise nothing: two days on which
// everybody asks, an afternoon with a campaign, a topic that grows for weeks, a programme on television each Sunday, and somebody who asks the
// same a hundred times.

const (
	history     = 14 // days
	month       = 30
	planted     = 20
	readers     = 6000
	placed      = 0.4  // of the readers have told their county
	entries     = 150  // that readers are answered with
	answeredDay = 900  // readers a day
	openDay     = 150  // that nothing answers
	inCounty    = 0.6  // of the surges are one county's
	neighbours  = 0.85 // of the readers of such a surge live there
)

// size of a surge: readers an hour at its height, which it reaches in rampUp.
type size struct{ least, most float64 }

var usualSize = size{40, 120}

const rampUp = 15 * time.Minute

var begin = time.Date(2026, 6, 1, 0, 0, 0, 0, knowledge.China)

// kinds are the wordings of a claim that ask about it: the others say the opposite, or two things.
var kinds = []string{"forward", "paraphrase", "short", "colloquial", "typo", "traditional"}

// claims are wordings of claims by people who have not seen this package: the first is the text that is forwarded. The service answers them, the
// simulated one does not know them. The thresholds were chosen on others (tune_*).
func claims() (out [][]string, err error) {
	forwarded := map[string]bool{}
	files, err := filepath.Glob("../eval/testdata/wordings/heldout_messages_*.jsonl")
	if err != nil {
		return nil, err
	}
	of := map[string][]string{}
	var order []string
	for _, file := range files {
		data, err := os.ReadFile(file) //nolint:gosec // in the repository
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(data) {
			var m struct{ Kind, Entry, Text string }
			if err := json.Unmarshal(line, &m); err != nil {
				return nil, err
			}
			if m.Entry == "" || !slices.Contains(kinds, m.Kind) {
				continue
			}
			if of[m.Entry] == nil {
				order = append(order, m.Entry)
			}
			if of[m.Entry] = append(of[m.Entry], m.Text); m.Kind == "forward" {
				of[m.Entry][0], of[m.Entry][len(of[m.Entry])-1] = m.Text, of[m.Entry][0]
				forwarded[m.Entry] = true
			}
		}
	}
	for _, entry := range order {
		if forwarded[entry] {
			out = append(out, of[entry])
		}
	}
	return out, nil
}

var (
	before  = []string{"", "", "", "听说", "请问", "紧急通知！", "网上说", "群里都在传：", "朋友发来的，"}
	after   = []string{"", "", "", "，是真的吗", "，有没有这回事", "可信吗", "！转给家人", "，真的假的"}
	foods   = strings.Fields("香蕉 柿子 螃蟹 隔夜茶 木耳 土豆 豆浆 蜂蜜 西瓜 荔枝 大蒜 生姜 红枣 苦瓜 芒果 鸡蛋 牛奶 咸菜 腊肉 蘑菇 菠菜 竹笋 花生 核桃 绿豆")
	effects = strings.Fields("致癌 中毒 降血压 治糖尿病 伤肝 养胃 治失眠 掉头发 变聪明 排毒 结石 贫血 治咳嗽 长斑 通血管")
)

// surge is a planted one.
type surge struct {
	entry  knowledge.ID // or
	claim  []string
	county string
	from   time.Time
	lasts  time.Duration
	height float64 // readers an hour
	topics map[int64]int
}

type world struct {
	r         *rand.Rand
	counties  []string // of each reader
	messages  []sensing.Message
	plantedAt []*surge
	of        map[int]*surge // message -> the surge that it is of
}

func newWorld(seed uint64, heights size, open [][]string) *world {
	w := &world{r: rand.New(rand.NewPCG(seed, 2026)), of: map[int]*surge{}}
	w.counties = make([]string, readers)
	all := knowledge.Counties()
	for i := range w.counties {
		if w.r.Float64() < placed {
			w.counties[i] = all[w.r.IntN(len(all))]
		}
	}
	w.usual()
	w.oddities()
	w.plant(heights, slices.Clone(open))
	w.sort()
	return w
}

// day is how busy an hour of the day is.
func day(hour int) float64 {
	return [...]float64{.3, .15, .1, .1, .15, .4, 1, 1.5, 1.5, 1.4, 1.3, 1.3, 1.4, 1.2, 1.1, 1.1, 1.1, 1.2, 1.4, 1.8, 1.9, 1.5, 1, .6}[hour]
}

// busy is how many ask at a time, 1 on average: the day, the week, two days on which everybody asks, and the campaign.
func busy(at time.Time) float64 {
	b := day(at.Hour())
	if at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
		b *= 1.25
	}
	switch d := int(at.Sub(begin).Hours() / 24); {
	case d == history+9 || d == history+22:
		b *= 2.5
	case d == history+15 && at.Hour() >= 14 && at.Hour() < 17:
		b *= 3
	}
	return b
}

func (w *world) poisson(mean float64) int {
	if mean > 50 {
		return max(int(math.Round(mean+math.Sqrt(mean)*w.r.NormFloat64())), 0)
	}
	n, p := 0, math.Exp(-mean)
	for u := w.r.Float64(); u > p; n++ {
		u *= w.r.Float64()
	}
	return n
}

// noise is 1 on average: what a day does to a topic beyond chance (gamma of shape 3).
func (w *world) noise() float64 {
	sum := 0.0
	for range 3 {
		sum += w.r.ExpFloat64()
	}
	return sum / 3
}

func (w *world) add(at time.Time, reader int, entry knowledge.ID, text string) int {
	w.messages = append(w.messages, sensing.Message{
		ID: int64(len(w.messages) + 1), At: at, Reader: int64(reader), County: w.counties[reader], Entry: entry, Text: text,
	})
	return len(w.messages) - 1
}

func (w *world) reader() int { return w.r.IntN(readers) }

func (w *world) in(hour time.Time) time.Time {
	return hour.Add(time.Duration(w.r.Int64N(int64(time.Hour))))
}

func entryID(i int) knowledge.ID {
	return knowledge.ID("entry-" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
}

func pick[T any](w *world, of []T) T { return of[w.r.IntN(len(of))] }

func (w *world) decorated(claim string) string { return pick(w, before) + claim + pick(w, after) }

// usual is what is asked without any reason.
func (w *world) usual() {
	zipf := make([]float64, entries)
	sum := 0.0
	for i := range zipf {
		zipf[i] = 1 / float64(i+3)
		sum += zipf[i]
	}
	for d := range history + month {
		for e := range entries {
			rate := answeredDay * zipf[e] / sum / 24 * w.noise()
			for h := range 24 {
				hour := begin.AddDate(0, 0, d).Add(time.Duration(h) * time.Hour)
				for range w.poisson(rate * busy(hour)) {
					w.add(w.in(hour), w.reader(), entryID(e), "")
				}
			}
		}
		for h := range 24 {
			hour := begin.AddDate(0, 0, d).Add(time.Duration(h) * time.Hour)
			for range w.poisson(openDay / 24. * busy(hour)) {
				w.add(w.in(hour), w.reader(), "", w.decorated("吃"+pick(w, foods)+"会"+pick(w, effects)))
			}
		}
	}
}

// oddities are what is no surge.
func (w *world) oddities() {
	for d := range history + month {
		at := begin.AddDate(0, 0, d)
		for h := range 24 { // grows from nothing to four an hour
			hour := at.Add(time.Duration(h) * time.Hour)
			for range w.poisson(4 * float64(d) / (history + month) * busy(hour)) {
				w.add(w.in(hour), w.reader(), "growing", "")
			}
		}
		if at.Weekday() == time.Sunday { // the programme
			for range 15 + w.r.IntN(10) {
				w.add(w.in(at.Add(20*time.Hour)), w.reader(), "television", "")
			}
		}
	}
	one := w.reader()
	for range 100 {
		w.add(w.in(begin.AddDate(0, 0, history+5).Add(10*time.Hour)), one, entryID(40), "")
	}
}

// plant puts the surges into the month, at hours when people are awake: half on entries, half on claims that nothing answers.
func (w *world) plant(heights size, open [][]string) {
	w.r.Shuffle(len(open), func(i, j int) { open[i], open[j] = open[j], open[i] })
	about := w.r.Perm(entries)
	for i := range planted {
		s := &surge{
			from:   begin.AddDate(0, 0, history+w.r.IntN(month-1)).Add(7*time.Hour + time.Duration(w.r.Int64N(int64(14*time.Hour)))),
			lasts:  time.Duration(2+w.r.IntN(7)) * time.Hour,
			height: heights.least + w.r.Float64()*(heights.most-heights.least), topics: map[int64]int{},
		}
		if i%2 == 0 {
			s.entry = entryID(about[i])
		} else {
			s.claim = open[i/2]
		}
		if w.r.Float64() < inCounty {
			s.county = pick(w, knowledge.Counties())
		}
		w.ask(s)
		w.plantedAt = append(w.plantedAt, s)
	}
}

// ask lets the readers of a surge ask: up to its height in rampUp, then less and less.
func (w *world) ask(s *surge) {
	seen := map[int]bool{}
	for at := time.Duration(0); at < s.lasts; at += time.Minute {
		rate := s.height * min(float64(at)/float64(rampUp), 1) * math.Exp(-2*max(float64(at-time.Hour), 0)/float64(s.lasts))
		for range w.poisson(rate / 60) {
			reader := w.reader()
			for s.county != "" && w.r.Float64() < neighbours && w.counties[reader] != "" && w.counties[reader] != s.county || seen[reader] {
				reader = w.reader()
			}
			seen[reader] = true
			text := ""
			if s.claim != nil {
				text = s.claim[0] // as it goes round
				if w.r.Float64() < .4 {
					text = w.decorated(pick(w, s.claim)) // in their own words
				}
			}
			w.of[w.add(s.from.Add(at+time.Duration(w.r.Int64N(int64(time.Minute)))), reader, s.entry, text)] = s
		}
	}
}

func (w *world) sort() {
	order := make([]int, len(w.messages))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return w.messages[a].At.Compare(w.messages[b].At) })
	messages, of := make([]sensing.Message, len(order)), map[int]*surge{}
	for i, o := range order {
		messages[i] = w.messages[o]
		if s := w.of[o]; s != nil {
			of[i] = s
		}
	}
	w.messages, w.of = messages, of
}

// run lets the month pass, a look every five minutes, as the job of package postgres does it with SQL.
func (w *world) run(ctx context.Context, e sensing.Embedder) (raised []sensing.Surge, err error) {
	c := newCounts(w, e)
	next := 0
	for now := begin.Add(sensing.Every); now.Before(begin.AddDate(0, 0, history+month)); now = now.Add(sensing.Every) {
		for ; next < len(w.messages) && w.messages[next].At.Before(now); next++ {
			if err := c.take(ctx, next); err != nil {
				return nil, err
			}
		}
		if look := c.look(now); len(look.Series) > 0 {
			if err := c.file(ctx, look.Judge(), now); err != nil {
				return nil, err
			}
		}
	}
	return c.surges, nil
}
