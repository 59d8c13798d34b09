package broadcast

import (
	"cmp"
	"time"

	"qiuzhen/knowledge"
)

// Order is a broadcast that is being sent.
type Order struct {
	ID       int64
	Type     knowledge.MsgType
	Exercise bool
	Urgent   bool          // it, or something that it corrects
	Level    int           // of these the highest: knowledge.Broadcast.Level
	Waiting  int64         // on the channel, as counted lately and up to a bound; 0 where no other order is alike
	Left     time.Duration // until it expires
}

// CompareOrders says what a channel sends first: Actual before Exercise, what corrects before what is new, and of that what takes something back; then
// what is for now before what is soon. Of those alike the one goes first that is sooner done, then the older one: a message to two hundred people does
// not wait for an hour behind one to a hundred thousand.
func CompareOrders(a, b Order) int {
	return cmp.Or(number(a.Exercise)-number(b.Exercise), typeTurn[a.Type]-typeTurn[b.Type], b.level()-a.level(),
		cmp.Compare(a.Waiting, b.Waiting), cmp.Compare(a.ID, b.ID))
}

// Alike orders differ in nothing but their size and age.
func Alike(a, b Order) bool {
	return a.Exercise == b.Exercise && a.Type == b.Type && a.level() == b.level()
}

var typeTurn = map[knowledge.MsgType]int{knowledge.Cancel: 0, knowledge.Update: 1, knowledge.Alert: 2}

func number(is bool) int {
	if is {
		return 1
	}
	return 0
}

func (o Order) level() int {
	switch {
	case !o.wakes():
		return 0
	case o.Level == 0:
		return 1
	}
	return o.Level
}

// wakes: nobody is woken for an exercise.
func (o Order) wakes() bool { return o.Urgent && !o.Exercise }
