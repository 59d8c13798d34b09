//go:build !race

package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"qiuzhen/bot"
	"qiuzhen/bot/bottest"
)

// TestNothingPersonalIsKept: a thousand numbers of phones and identity cards, said in every place where a reader can say something, are in
// no column of any table. Metrics there are none that could have one.
func TestNothingPersonalIsKept(t *testing.T) {
	store := shelf(t)
	engine, _ := bottest.NewEngine()
	clock := now
	desk := bot.NewDesk(engine, store, func() time.Time { clock = clock.Add(time.Second); return clock })
	desk.Limit(bot.Limits{})
	r := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // seeded on purpose
	via := bot.Channel{Name: "direct", Alerts: true, Buttons: true, Groups: true}
	var seeded []string
	places := []func(number string) []string{
		func(n string) []string { return []string{"打" + n + "问喝白酒能不能杀病毒", "为什么"} },
		func(n string) []string { return []string{n + "说月亮上有人", "好"} },
		func(n string) []string { return []string{"隔夜的东西" + n, "都不是", "好"} },
		func(n string) []string { return []string{"白酒杀毒", "没用", "4", "打" + n + "告诉我"} },
		func(n string) []string { return []string{"白酒杀毒", "没用", n} },
		func(n string) []string {
			return []string{"订阅", "如东" + n, "1 " + n, "老人" + n, "跳过", "同意", "1"}
		},
		func(n string) []string {
			return []string{"味精 " + n, "那我家孕妇" + n[:3] + "呢", "打" + n + "行吗"}
		},
		func(n string) []string { return []string{"我妈刚喝了农药，电话" + n} },
		func(n string) []string { return []string{"今晚台风到南通吗" + n} },
		func(n string) []string { return []string{"群里的" + n, "求真，白酒" + n, "求真，为什么"} },
	}
	for i := range 1000 {
		number := phone(r)
		if i%2 == 1 {
			number = identity(r)
		}
		seeded = append(seeded, number)
		m := bot.Message{Via: via, Reader: fmt.Sprint("reader", i%97)}
		for _, m.Text = range places[i%len(places)](number) {
			if m.Group = ""; i%len(places) == 9 {
				m.Group = "家人群"
			}
			if _, err := desk.Handle(context.Background(), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	kept := store.Dump(t)
	if answers := strings.Count(kept, "\nanswers: "); answers < 1000 {
		t.Fatalf("%d answers kept: the test says too little", answers)
	}
	found := 0
	for _, n := range seeded {
		if strings.Contains(kept, n) {
			if found++; found < 5 {
				t.Errorf("%s is kept", n)
			}
		}
	}
	fmt.Printf("%d seeded numbers, %d kept, in %d bytes of tables\n", len(seeded), found, len(kept))
}

func phone(r *rand.Rand) string {
	return fmt.Sprintf("1%d%09d", 3+r.IntN(7), r.IntN(1e9))
}

// identity is a number with a possible province and birthday and a right check digit.
func identity(r *rand.Rand) string {
	s := fmt.Sprintf("3206%02d%d%02d%02d%03d", 1+r.IntN(80), 1930+r.IntN(80), 1+r.IntN(12), 1+r.IntN(28), r.IntN(1000))
	sum := 0
	for i, weight := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += weight * int(s[i]-'0')
	}
	return s + "10X98765432"[sum%11:sum%11+1]
}
