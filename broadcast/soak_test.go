package broadcast_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// quick is a channel that takes everything at once.
type quick struct{ n atomic.Int64 }

func (q *quick) Capabilities() broadcast.Capabilities {
	return broadcast.Capabilities{Channel: "telegram", Rate: 20_000}
}

func (q *quick) Send(context.Context, broadcast.Message) (broadcast.Receipt, error) {
	q.n.Add(1)
	return broadcast.Receipt{}, nil
}

// pushed is how many recipients TestPush has; `make soak` asks for 1,000,000.
func pushed(t *testing.T) int {
	if os.Getenv("SOAK_PUSH") == "" {
		return 10_000
	}
	n, err := strconv.Atoi(os.Getenv("SOAK_PUSH"))
	must(t, err)
	return n
}

// TestPush measures a broadcast to many: the fan-out, the delivery by two nodes, what readers notice, the same with a snapshot open as pg_dump's, and the
// space that ten of them take.
func TestPush(t *testing.T) {
	n := pushed(t)
	soak := os.Getenv("SOAK_PUSH") != ""
	w := newWorld(t, n)
	w.exec(t, `ANALYZE readers`)
	begin := time.Now()
	id := w.begin(t, alert())
	fanned := time.Since(begin)
	fmt.Printf("approved and fanned out to %d in %.1f s\n", n, fanned.Seconds())
	if fanned > 15*time.Second {
		t.Error("too slow")
	}
	waits := w.readers(t)
	plain := w.deliverAll(t, id)
	p50, p99, worst := waits()
	fmt.Printf("two nodes deliver %.0f/s; a reader's turn in the database meanwhile: p50 %v p99 %v max %v\n", plain, p50, p99, worst)
	if soak && plain < 5000 || p99 > 2*time.Second {
		t.Error("too slow")
	}
	if !soak {
		return
	}
	first := w.bytesPerRow(t)
	snapshot, err := pgx.Connect(context.Background(), w.dsn)
	must(t, err)
	defer snapshot.Close(context.Background())
	_, err = snapshot.Exec(context.Background(), `BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM people`)
	must(t, err)
	held := w.deliverAll(t, w.begin(t, alert()))
	_, err = snapshot.Exec(context.Background(), `COMMIT`)
	must(t, err)
	plain = (plain + w.deliverAll(t, w.begin(t, alert()))) / 2 // before and after: the machine may have other work
	fmt.Printf("with a snapshot open: %.0f/s, %.2f of that before and after\n", held, held/plain)
	if held < plain/2 {
		t.Error("too slow")
	}
	for range 7 {
		fmt.Printf("%.0f/s\n", w.deliverAll(t, w.begin(t, alert())))
	}
	tenth := w.bytesPerRow(t)
	fmt.Printf("the ledger takes %.0f bytes a row after one broadcast, %.0f after ten, one of them under a snapshot\n", first, tenth)
	if tenth > 1.5*first {
		t.Error("it grows")
	}
	w.reused(t, n)
}

// reused: what is deleted after 30 days makes room for the next.
func (w *world) reused(t *testing.T, n int) {
	before := value[int64](t, w, `SELECT pg_total_relation_size('deliveries')`)
	for more := true; more; {
		var err error
		more, err = w.store.ForgetOld(context.Background(), time.Now().Add(time.Minute))
		must(t, err)
	}
	if left := value[int](t, w, `SELECT count(*)::int FROM deliveries`); left > 0 {
		t.Errorf("%d rows stay", left)
	}
	w.exec(t, `VACUUM deliveries`) // as autovacuum does soon
	w.exec(t, `INSERT INTO readers (channel, name, seen_at, wishes) SELECT 'telegram', 'n' || i, now(), '{"sent": {}}' FROM generate_series(1, $1::int) i`, n)
	w.deliverAll(t, w.begin(t, alert()))
	after := value[int64](t, w, `SELECT pg_total_relation_size('deliveries')`)
	fmt.Printf("%d MB with ten broadcasts, %d MB with one more after those were forgotten\n", before>>20, after>>20)
	if after > before {
		t.Error("room is not used again")
	}
}

func (w *world) bytesPerRow(t *testing.T) float64 {
	return value[float64](t, w, `SELECT pg_total_relation_size('deliveries')::float8 / count(*) FROM deliveries`)
}

// deliverAll delivers by two nodes and returns how many a second.
func (w *world) deliverAll(t *testing.T, id int64) float64 {
	t.Helper()
	q := &quick{}
	n := value[int64](t, w, `SELECT count(*) FROM deliveries WHERE broadcast_id = $1`, id)
	begin := time.Now()
	stops := []func(){w.startEvery(t, q, time.Second, nil), w.startEvery(t, q, time.Second, nil)}
	for q.n.Load() < n && time.Since(begin) < 20*time.Minute {
		time.Sleep(10 * time.Millisecond)
	}
	took := time.Since(begin)
	eventually(t, time.Minute, "it is done", func() bool { return w.state(t, id) == knowledge.BroadcastDone })
	for _, stop := range stops {
		stop()
	}
	return float64(n) / took.Seconds()
}

// readers take turns, twenty a second, until the returned function tells how long they waited for the database.
func (w *world) readers(t *testing.T) func() (p50, p99, worst time.Duration) {
	ctx, cancel := context.WithCancel(context.Background())
	var took []time.Duration
	var running sync.WaitGroup
	running.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			begin := time.Now()
			r, err := w.store.Reader(ctx, "web", "asks")
			if err == nil {
				_, err = w.store.Keep(ctx, bot.Turn{Reader: r, Answered: &bot.Answered{At: time.Now(), Message: "问", Decision: "abstain"}})
			}
			if err == nil {
				took = append(took, time.Since(begin))
			}
			time.Sleep(50 * time.Millisecond)
		}
	})
	return func() (p50, p99, worst time.Duration) {
		cancel()
		running.Wait()
		slices.Sort(took)
		if len(took) == 0 {
			t.Fatal("no reader had a turn")
		}
		return took[len(took)/2], took[len(took)*99/100], took[len(took)-1]
	}
}
