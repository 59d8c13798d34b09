package broadcast_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// orders is a ledger that notes what is claimed first.
type orders struct {
	broadcast.Outlook
	once  sync.Once
	first chan int64
	// asked for on all nodes; nil: nobody counts them
	silences chan time.Duration
}

func (o *orders) Look(context.Context, string) (broadcast.Outlook, error) { return o.Outlook, nil }
func (o *orders) Texts(context.Context, int64) (map[string]string, error) { return nil, nil }

func (o *orders) Apart(context.Context, string, string, time.Duration) (time.Duration, error) {
	return 0, nil
}

func (o *orders) Silence(_ context.Context, _ string, d time.Duration) error {
	if o.silences != nil {
		o.silences <- d
	}
	return nil
}

func (o *orders) Reserve(context.Context, string, int, time.Duration) (time.Duration, error) {
	return 0, nil
}

func (o *orders) Turn(_ context.Context, t broadcast.Turn) ([]broadcast.Claimed, error) {
	if t.Want > 0 {
		o.once.Do(func() { o.first <- t.Broadcast })
	}
	return nil, nil
}

// TestOrder: what is sent first, and what waits for the morning.
func TestOrder(t *testing.T) {
	t.Parallel()
	const hour = time.Hour
	at := func(clock string) time.Time {
		when, err := time.ParseInLocation("15:04", clock, knowledge.China)
		must(t, err)
		return when
	}
	alert := func(id int64, exercise, urgent bool) broadcast.Order {
		return broadcast.Order{ID: id, Type: knowledge.Alert, Exercise: exercise, Urgent: urgent, Left: hour}
	}
	level := func(id int64, level int, waiting int64) broadcast.Order {
		return broadcast.Order{ID: id, Type: knowledge.Alert, Urgent: true, Level: level, Waiting: waiting, Left: hour}
	}
	for _, c := range []struct {
		name   string
		now    string
		orders []broadcast.Order
		silent time.Duration
		wait   time.Duration
		first  int64 // 0: nothing
	}{
		{name: "oldest", now: "12:00", orders: []broadcast.Order{alert(2, false, false), alert(1, false, false)}, first: 1},
		{name: "actual before exercise", now: "12:00", orders: []broadcast.Order{alert(1, true, true), alert(2, false, false)}, first: 2},
		{name: "urgent first", now: "12:00", orders: []broadcast.Order{alert(1, false, false), alert(2, false, true)}, first: 2},
		{name: "for now before soon", now: "12:00", orders: []broadcast.Order{level(1, 1, 0), level(2, 2, 9)}, first: 2},
		{name: "of those alike the smaller", now: "12:00", orders: []broadcast.Order{level(1, 2, 86000), level(2, 2, 200)}, first: 2},
		{name: "of those alike and as large the older", now: "12:00", orders: []broadcast.Order{level(2, 2, 200), level(1, 2, 200)}, first: 1},
		{name: "what takes back before what corrects", now: "12:00", orders: []broadcast.Order{{ID: 1, Type: knowledge.Update, Left: hour}, {ID: 2, Type: knowledge.Cancel, Left: hour}}, first: 2},
		{name: "corrections first", now: "12:00", orders: []broadcast.Order{alert(1, false, true), {ID: 2, Type: knowledge.Cancel, Left: hour}}, first: 2},
		{name: "at night nothing", now: "22:00", orders: []broadcast.Order{alert(1, false, false)}},
		{name: "before seven nothing", now: "06:59", orders: []broadcast.Order{alert(1, false, false)}},
		{name: "at seven", now: "07:00", orders: []broadcast.Order{alert(1, false, false)}, first: 1},
		{name: "at night what is urgent", now: "03:00", orders: []broadcast.Order{alert(1, false, false), alert(2, false, true)}, first: 2},
		{name: "the last moment", now: "12:00", orders: []broadcast.Order{{ID: 1, Type: knowledge.Alert, Urgent: true, Left: 900 * time.Millisecond}}},
		{name: "at night no exercise", now: "03:00", orders: []broadcast.Order{alert(1, true, true)}},
		{name: "by day an exercise", now: "12:00", orders: []broadcast.Order{alert(1, true, true)}, first: 1},
		{name: "at night what corrects something urgent", now: "03:00", orders: []broadcast.Order{{ID: 1, Type: knowledge.Cancel, Urgent: true, Left: hour}}, first: 1},
		{name: "at night not what corrects something else", now: "03:00", orders: []broadcast.Order{{ID: 1, Type: knowledge.Cancel, Left: hour}}},
		{name: "a silent channel", now: "12:00", orders: []broadcast.Order{alert(1, false, true)}, silent: time.Minute},
		{name: "a slot far ahead", now: "12:00", orders: []broadcast.Order{alert(1, false, true)}, wait: 5 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := &orders{Outlook: broadcast.Outlook{Now: at(c.now), Orders: c.orders, Silent: c.silent, Wait: c.wait}, first: make(chan int64, 1)}
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan struct{})
			w := &broadcast.Worker{Sender: &quick{}, Ledger: o, Pace: o, Log: slog.New(slog.DiscardHandler), Idle: 20 * time.Millisecond}
			go func() { w.Run(ctx); close(done) }()
			var first int64
			select {
			case first = <-o.first:
			case <-time.After(300 * time.Millisecond):
			}
			cancel()
			<-done
			if first != c.first {
				t.Errorf("first %d, want %d", first, c.first)
			}
		})
	}
}
