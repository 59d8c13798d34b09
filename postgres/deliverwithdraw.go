package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"qiuzhen/broadcast"
	"qiuzhen/knowledge"
)

// What was sent on the word of an entry that is withdrawn.

// pushedOf are the broadcasts b that were made from the entry $1, began within $2 seconds, and that no correction that began later corrects.
const pushedOf = `b.entry_id = $1 AND b.begun_at >= clock_timestamp() - make_interval(secs => $2) AND b.msg_type <> 'Cancel' AND NOT EXISTS (
	SELECT FROM broadcasts c WHERE c.id IN (SELECT broadcast_chain(b.id)) AND c.msg_type <> 'Alert' AND c.begun_at > b.begun_at AND c.state <> 'cancelled')`

// openCancel is the Cancel of b that will take it back.
const openCancel = `(SELECT max(c.id) FROM broadcasts c WHERE c.id IN (SELECT broadcast_chain(b.id)) AND c.msg_type = 'Cancel' AND c.state IN ('draft', 'submitted', 'approved'))`

// EntryPushes are what was sent on an entry's word and not corrected, the newest first.
func (s *Store) EntryPushes(ctx context.Context, entry knowledge.ID) ([]knowledge.EntryPush, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT b.id, b.state, coalesce(`+openCancel+`, 0) FROM broadcasts b WHERE `+pushedOf+` ORDER BY b.id DESC`, string(entry), knowledge.CorrectionWindow.Seconds())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[knowledge.EntryPush])
}

// takeBack pauses what is still being sent on the word of a withdrawn entry, and drafts the Cancel for those who got it: within the transaction that
// withdraws. A person has to submit each draft, and another one to approve it; until then nobody else gets what was withdrawn.
func (s *Store) takeBack(ctx context.Context, tx pgx.Tx, of knowledge.Event, reason string) (events []knowledge.Event, err error) {
	paused, err := pauseOf(ctx, tx, of.Entry)
	if err != nil {
		return nil, err
	}
	for _, b := range paused {
		events = append(events, aboutBroadcast(knowledge.BroadcastHeld, b, map[string]string{"was": "sending", "reason": "它所根据的条目撤下了：" + reason}))
	}
	// what reached nobody needs no word; what is paused may have a message in flight
	rows, err := tx.Query(ctx, `
		SELECT `+broadcastColumns+` FROM broadcasts b WHERE `+pushedOf+` AND `+openCancel+` IS NULL
		   AND NOT EXISTS (SELECT FROM delivery_totals WHERE broadcast_id IN (SELECT broadcast_chain(b.id)))
		   AND (b.state = 'paused' OR EXISTS (SELECT FROM deliveries d WHERE d.broadcast_id = b.id AND (d.state IN ('sent', 'claimed') OR d.unclear)))
		 ORDER BY b.id`, string(of.Entry), knowledge.CorrectionWindow.Seconds())
	if err != nil {
		return nil, err
	}
	sent, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (knowledge.Broadcast, error) { return scanBroadcast(row) })
	if err != nil {
		return nil, err
	}
	for _, b := range sent {
		c := broadcast.Correct(b, knowledge.Cancel, toldReason("这一条所根据的内容，我们重新核查以后撤下了。", reason, cancelReasonMost))
		c.Identifier = newIdentifier()
		if c.Expires, err = lastHour(ctx, tx, c.SendAt); err != nil {
			return nil, err
		}
		if c, err = insertBroadcast(ctx, tx, c); err != nil {
			return nil, err
		}
		events = append(events, aboutBroadcast(knowledge.BroadcastMade, c, map[string]string{"corrects": string(of.Entry), "reason": fmt.Sprintf("条目撤下了，起草第%d号的作废", b.ID)}))
	}
	return events, nil
}

func pauseOf(ctx context.Context, tx pgx.Tx, entry knowledge.ID) ([]knowledge.Broadcast, error) {
	rows, err := tx.Query(ctx, `UPDATE broadcasts b SET state = 'paused' WHERE b.state = 'sending' AND `+pushedOf+` RETURNING `+broadcastColumns,
		string(entry), knowledge.CorrectionWindow.Seconds())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (knowledge.Broadcast, error) { return scanBroadcast(row) })
}

// toldReason is what readers are told of why: in the publisher's words where there are some.
func toldReason(otherwise, reason string, most int) string {
	if reason = strings.TrimSpace(knowledge.Sayable(reason)); reason == "" {
		return otherwise
	}
	return string([]rune(reason)[:min(len([]rune(reason)), most)])
}
