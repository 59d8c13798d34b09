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

// ofEntry are the broadcasts b of the chains in which one was made from the entry $1: an Update names no entry, and yet says what that said.
const ofEntry = `b.id IN (SELECT c FROM broadcasts o, broadcast_chain(o.id) c WHERE o.entry_id = $1)`

// pushedOf are the last words b of those chains that began within $2 seconds and were not taken back. Of each chain it is one: what corrects b began later
// and is itself the last word, also if it was stopped; a Cancel that was stopped takes nothing back.
const pushedOf = ofEntry + ` AND b.begun_at >= clock_timestamp() - make_interval(secs => $2) AND b.msg_type <> 'Cancel' AND NOT EXISTS (
	SELECT FROM broadcasts c WHERE c.id IN (SELECT broadcast_chain(b.id)) AND c.msg_type <> 'Alert' AND c.begun_at > b.begun_at
	   AND (c.msg_type = 'Update' OR c.state <> 'cancelled'))`

// openCancel is the Cancel of b that will take it back.
const openCancel = `(SELECT max(c.id) FROM broadcasts c WHERE c.id IN (SELECT broadcast_chain(b.id)) AND c.msg_type = 'Cancel' AND c.state IN ('draft', 'submitted', 'approved'))`

// EntryPushes are what was last sent on an entry's word and not taken back, the newest first.
func (s *Store) EntryPushes(ctx context.Context, entry knowledge.ID) ([]knowledge.EntryPush, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT b.id, b.state, coalesce(`+openCancel+`, 0) FROM broadcasts b WHERE `+pushedOf+` ORDER BY b.id DESC`, string(entry), knowledge.CorrectionWindow.Seconds())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[knowledge.EntryPush])
}

// takeBack holds what is being sent on the word of a withdrawn entry, or was approved to be, and drafts the Cancel for those who got it: within the
// transaction that withdraws. A person has to submit each draft, and another one to approve it; until then nobody else gets what was withdrawn.
func (s *Store) takeBack(ctx context.Context, tx pgx.Tx, of knowledge.Event, reason string) (events []knowledge.Event, err error) {
	lapsed, err := lapseUpdates(ctx, tx, of.Entry)
	if err != nil {
		return nil, err
	}
	for _, b := range lapsed {
		events = append(events, aboutBroadcast(knowledge.BroadcastLapsed, b, map[string]string{"was": "approved", "reason": groundGone + reason}))
	}
	held, was, err := holdOf(ctx, tx, of.Entry)
	if err != nil {
		return nil, err
	}
	for i, b := range held {
		events = append(events, aboutBroadcast(knowledge.BroadcastHeld, b, map[string]string{"was": was[i], "reason": groundGone + reason}))
	}
	// what reached nobody needs no word; what is paused may have a message in flight
	rows, err := tx.Query(ctx, `
		SELECT `+broadcastColumns+` FROM broadcasts b WHERE `+pushedOf+` AND `+openCancel+` IS NULL
		   AND NOT EXISTS (SELECT FROM delivery_totals WHERE broadcast_id IN (SELECT broadcast_chain(b.id)))
		   AND (b.state = 'paused' OR EXISTS (SELECT FROM deliveries d
		        WHERE d.broadcast_id IN (SELECT broadcast_chain(b.id)) AND (d.state IN ('sent', 'claimed') OR d.unclear)))
		 ORDER BY b.id`, string(of.Entry), knowledge.CorrectionWindow.Seconds())
	if err != nil {
		return nil, err
	}
	sent, err := collectBroadcasts(rows)
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

// groundGone begins what the history says of what is held.
const groundGone = "它所根据的条目撤下了："

// lapseUpdates makes what was approved of the entry's chains wait for another approval, by somebody who knows that the entry is gone. What begins or is
// approved at this moment is waited for, and then found: here, or by holdOf as something that is being sent.
func lapseUpdates(ctx context.Context, tx pgx.Tx, entry knowledge.ID) ([]knowledge.Broadcast, error) {
	// what has not begun first, as whatever begins (stopCorrected) has it
	_, err := tx.Exec(ctx, `
		SELECT FROM broadcasts b WHERE `+ofEntry+` AND (b.msg_type = 'Update' AND b.state IN ('submitted', 'approved') OR b.state IN ('sending', 'paused'))
		 ORDER BY b.begun_at IS NOT NULL, b.id FOR UPDATE`, string(entry))
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, `
		UPDATE broadcasts b SET state = 'submitted'
		 WHERE `+ofEntry+` AND b.msg_type = 'Update' AND b.state = 'approved' AND b.expires_at > clock_timestamp() RETURNING `+broadcastColumns, string(entry))
	if err != nil {
		return nil, err
	}
	return collectBroadcasts(rows)
}

// holdOf pauses what is being sent on the entry's word, for good: it does not go on (migrations/00032). It tells in what state each was.
func holdOf(ctx context.Context, tx pgx.Tx, entry knowledge.ID) (held []knowledge.Broadcast, was []string, err error) {
	rows, err := tx.Query(ctx, `SELECT b.id, b.state FROM broadcasts b WHERE b.state IN ('sending', 'paused') AND `+pushedOf+` ORDER BY b.id FOR UPDATE`,
		string(entry), knowledge.CorrectionWindow.Seconds())
	if err != nil {
		return nil, nil, err
	}
	type found struct {
		ID    int64
		State string
	}
	open, err := pgx.CollectRows(rows, pgx.RowToStructByPos[found])
	if err != nil {
		return nil, nil, err
	}
	for _, f := range open {
		b, err := scanBroadcast(tx.QueryRow(ctx, `UPDATE broadcasts SET state = 'paused', entry_gone_at = clock_timestamp() WHERE id = $1 RETURNING `+broadcastColumns, f.ID))
		if err != nil {
			return nil, nil, err
		}
		held, was = append(held, b), append(was, f.State)
	}
	return held, was, nil
}

func collectBroadcasts(rows pgx.Rows) ([]knowledge.Broadcast, error) {
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (knowledge.Broadcast, error) { return scanBroadcast(row) })
}

// toldReason is what readers are told of why: in the publisher's words where there are some.
func toldReason(otherwise, reason string, most int) string {
	if reason = strings.TrimSpace(knowledge.Sayable(reason)); reason == "" {
		return otherwise
	}
	return string([]rune(reason)[:min(len([]rune(reason)), most)])
}
