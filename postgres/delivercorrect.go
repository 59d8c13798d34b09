package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// readersOfSelect is whom a correction of an entry goes to, as audienceSelect: who was answered with it within CorrectionWindow, a group instead of
// its members. Who is gone or blocked is left out, and an exercise reaches the exercise group only.
func readersOfSelect(b knowledge.Broadcast) (sql string, args []any) {
	return `
		SELECT DISTINCT ON (a.channel, a.recipient) a.channel, a.recipient, own.id AS reader_id, coalesce(own.wishes #>> '{sent,county}', '') AS county
		  FROM (SELECT r.channel, split_part(r.name, E'\n', 1) AS recipient FROM readers r
		         WHERE r.gone_at IS NULL AND r.blocked_at IS NULL AND r.channel = ANY ($2::text[]) AND EXISTS (
		             SELECT FROM answers a JOIN answer_entries e ON e.answer_id = a.id
		              WHERE a.reader_id = r.id AND e.entry_id = $1 AND e.quoted AND a.at >= clock_timestamp() - make_interval(secs => $3))) a
		  LEFT JOIN readers own ON own.channel = a.channel AND own.name = a.recipient
		 WHERE $4::boolean AND (NOT $5::boolean OR own.exercise_at IS NOT NULL) AND (cardinality($6::text[]) = 0 OR a.channel = ANY ($6))
		   AND own.gone_at IS NULL AND own.blocked_at IS NULL`,
		[]any{string(b.Audience.ReadersOf), pushes, knowledge.CorrectionWindow.Seconds(), b.Type == knowledge.Alert, b.Exercise, orNone(b.Audience.Channels)}
}

// openCorrection is the correction of an entry that will go to its readers. One that is being sent tells of an earlier withdrawal.
const openCorrection = `
	SELECT id FROM broadcasts WHERE document::jsonb -> 'audience' ->> 'readers_of' = $1 AND state IN ('draft', 'submitted', 'approved')`

// proposeCorrections drafts, in the transaction that withdraws entries, what those should be told who were answered with them in the last 30 days, or were
// sent a broadcast that was made from them (takeBack): whoever withdraws, and from wherever, nothing is withdrawn of which nobody thought of its
// readers. Somebody has to complete and submit each draft, and another one to approve it. The events are for the caller to append: withdrawals holds those of what was withdrawn.
func (s *Store) proposeCorrections(ctx context.Context, tx pgx.Tx, withdrawals []knowledge.Event) (proposed []knowledge.Event, err error) {
	for _, w := range withdrawals {
		if w.Detail["was"] != string(knowledge.Published) {
			continue
		}
		b, taken, err := s.proposeCorrection(ctx, tx, w)
		if err != nil {
			return nil, fmt.Errorf("draft the correction of %s: %w", w.Entry, broadcastError(err))
		}
		proposed = append(proposed, taken...)
		if b.ID != 0 {
			proposed = append(proposed, aboutBroadcast(knowledge.BroadcastMade, b, map[string]string{"corrects": string(w.Entry)}))
		}
	}
	return proposed, nil
}

// proposeCorrection drafts nothing when nobody is to be told, or when such a correction is there already. What it did to broadcasts comes as events.
func (s *Store) proposeCorrection(ctx context.Context, tx pgx.Tx, of knowledge.Event) (b knowledge.Broadcast, taken []knowledge.Event, err error) {
	var short, topic, reason string
	err = tx.QueryRow(ctx, `
		SELECT coalesce(nullif(document ->> 'short', ''), document ->> 'title'), document ->> 'topic', coalesce(reason, '') FROM entry_versions
		 WHERE entry_id = $1 AND version = $2`, string(of.Entry), of.Version).Scan(&short, &topic, &reason)
	if err != nil {
		return b, nil, err
	}
	if taken, err = s.takeBack(ctx, tx, of, reason); err != nil {
		return b, nil, err
	}
	c := correctionOf(of.Entry, short, topic, reason)
	var needless bool
	sql, args := readersOfSelect(c)
	if err := tx.QueryRow(ctx, `SELECT EXISTS (`+openCorrection+`) OR NOT EXISTS (`+sql+`)`, args...).Scan(&needless); err != nil || needless {
		return b, taken, err
	}
	if c.Expires, err = lastHour(ctx, tx, c.SendAt); err != nil {
		return b, nil, err
	}
	c.Identifier = newIdentifier()
	b, err = insertBroadcast(ctx, tx, c)
	return b, taken, err
}

// OpenCorrection is the number of the broadcast that will tell the entry's readers that it was withdrawn; 0: there is none.
func (s *Store) OpenCorrection(ctx context.Context, entry knowledge.ID) (id int64, err error) {
	err = s.pool.QueryRow(ctx, openCorrection+` ORDER BY id DESC LIMIT 1`, string(entry)).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	return id, err
}

// Of a reason no more is told than this, in characters: no withdrawal fails because somebody wrote too much, and a Cancel fits into a text message.
const (
	reasonMost       = 500
	cancelReasonMost = 200
)

// correctionOf is the draft. What was wrong stands in it as the publisher wrote it; it names no entry as its source, which is served no more.
func correctionOf(entry knowledge.ID, short, topic, reason string) knowledge.Broadcast {
	category := "Safety"
	switch knowledge.Topic(topic) {
	case knowledge.Health:
		category = "Health"
	case knowledge.Fraud:
		category = "Security"
	}
	why := toldReason("我们重新核查，发现之前的回答要改。", reason, reasonMost)
	return knowledge.Broadcast{
		Type: knowledge.Alert, Audience: knowledge.Audience{ReadersOf: entry},
		Content: knowledge.BroadcastContent{
			Event: "更正", Category: category, Response: "Avoid", Urgency: "Unknown", Severity: "Unknown", Certainty: "Observed",
			Headline:    "之前跟您说的有一条要更正",
			Description: "您问过的“" + knowledge.Sayable(short) + "”，我们的回答已经撤下。" + why,
			Instruction: "先不要照着做，也不要再转发\n〔写：现在应该怎么做〕",
			Source:      "〔写：谁说的〕",
		},
	}
}

// listGone is said of a correction whose recipients nobody knows any more.
const listGone = "名单已删，请另发通知"

// listDeleted reports whether the ledger of a broadcast's chain, or a part of that, was deleted: a correction would go to nobody, or to some only.
func listDeleted(ctx context.Context, tx pgx.Tx, member int64) (gone bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM delivery_totals WHERE broadcast_id IN (SELECT broadcast_chain($1)))`, member).Scan(&gone)
	return gone, err
}

// listKept refuses the draft of such a correction.
func listKept(ctx context.Context, tx pgx.Tx, references int64) error {
	if references == 0 {
		return nil
	}
	gone, err := listDeleted(ctx, tx, references)
	if err == nil && gone {
		return &knowledge.Error{Code: knowledge.Conflict, Message: listGone}
	}
	return err
}
