package broadcast

import (
	"cmp"
	"context"
	"errors"
	"net"
	"time"

	"qiuzhen/knowledge"
)

// judge turns a sender's answer into an outcome.
func (w *Worker) judge(ctx context.Context, d knowledge.Delivery, r Receipt, err error) Outcome {
	if !undialled(err) {
		w.mu.Lock()
		w.away = 0
		w.mu.Unlock()
	}
	var retry *RetryError
	var permanent *PermanentError
	switch {
	case err == nil:
		return Outcome{Delivery: d, End: Sent, Receipt: r.ID}
	case errors.As(err, &retry):
		after := max(retry.After, 100*time.Millisecond)
		switch {
		case retry.Node:
			w.mute(after)
		case !retry.Recipient:
			w.silence(ctx, after)
		}
		return Outcome{Delivery: d, End: Postponed, Untried: true, After: after, Reason: "渠道要求稍后再发"}
	case errors.Is(err, ErrGone):
		o := failed(d, "收件人已退出或屏蔽", false)
		o.Gone = true
		return o
	case errors.As(err, &permanent):
		return failed(d, permanent.Reason, false)
	}
	w.Log.Warn("broadcast: a message waits for another try", "channel", d.Channel, "broadcast", d.Broadcast, "n", d.N, "tries", d.Tries, "error", err)
	o := Outcome{Delivery: d, End: Postponed}
	var notTaken *NotTakenError
	switch {
	case undialled(err) && !w.caps.OwnAddress:
		o.Reason, o.Untried, o.After = "连不上渠道", true, w.goAway()
	case undialled(err):
		o.Reason, o.After = "连不上渠道", backOff(d.Tries, mostBackOff)
	case errors.As(err, &notTaken):
		o.Reason, o.After = cmp.Or(notTaken.Reason, "渠道暂时不收"), backOff(d.Tries, mostBackOff)
	default:
		o.Reason, o.After, o.Unclear = "渠道没有确认，可能已收到", backOff(d.Tries, mostUnclear), true
	}
	return o
}

// goAway keeps this node from claiming, longer each time that it finds nobody at the channel, and tells for how long.
func (w *Worker) goAway() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if !w.silent.After(now) { // else others who set out at the same time found out already
		w.away++
		w.silent = now.Add(backOff(w.away, mostAway))
	}
	return w.silent.Sub(now)
}

// mute keeps this node silent.
func (w *Worker) mute(d time.Duration) {
	end := time.Now().Add(d)
	w.mu.Lock()
	defer w.mu.Unlock()
	if end.After(w.silent) {
		w.silent = end
	}
}

// undialled: nobody was reached who could have taken the message.
func undialled(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// silence keeps this worker silent at once, and the others with their next look. The recording of what brought it waits for it.
func (w *Worker) silence(ctx context.Context, d time.Duration) {
	w.Log.Warn("broadcast: the platform asks for silence", "channel", w.caps.Channel, "for", d)
	end := time.Now().Add(d)
	w.mute(d)
	w.pacer.drop()
	for left := d; left > 0; left = time.Until(end) {
		if err := w.Pace.Silence(ctx, w.caps.Channel, left); err == nil || ctx.Err() != nil {
			return
		}
		sleep(ctx, w.idle()/4)
	}
}
