package postgres

import (
	"context"
	"fmt"
	"strings"

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

// ProposeCorrection drafts, after an entry was withdrawn, what its readers of the last 30 days should be told; somebody has to complete and submit it, and
// another one to approve it. 0 when nobody is to be told, or when such a draft is there already.
func (s *Store) ProposeCorrection(ctx context.Context, entry knowledge.ID) (id int64, err error) {
	var short, topic, reason string
	err = s.pool.QueryRow(ctx, `
		SELECT coalesce(nullif(document ->> 'short', ''), document ->> 'title'), document ->> 'topic', coalesce(reason, '') FROM entry_versions
		 WHERE entry_id = $1 AND status = 'withdrawn' AND published_at IS NOT NULL ORDER BY version DESC LIMIT 1`, string(entry)).Scan(&short, &topic, &reason)
	if err != nil {
		return 0, missing(err, fmt.Sprintf("%s 没有撤下过，不用更正", entry))
	}
	b := correctionOf(entry, short, topic, reason)
	var open bool
	sql, args := readersOfSelect(b)
	err = s.pool.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM broadcasts WHERE document::jsonb -> 'audience' ->> 'readers_of' = $1 AND state IN ('draft', 'submitted', 'approved', 'sending', 'paused'))
		    OR NOT EXISTS (`+sql+`)`, args...).Scan(&open)
	if err != nil || open {
		return 0, err
	}
	return s.DraftBroadcast(ctx, b)
}

// correctionOf is the draft. What was wrong stands in it as the publisher wrote it; it names no entry as its source, which is served no more.
func correctionOf(entry knowledge.ID, short, topic, reason string) knowledge.Broadcast {
	category := "Safety"
	switch knowledge.Topic(topic) {
	case knowledge.Health:
		category = "Health"
	case knowledge.Fraud:
		category = "Security"
	}
	why := "我们重新核查，发现之前的回答要改。"
	if reason = strings.TrimSpace(reason); reason != "" {
		why = reason
	}
	return knowledge.Broadcast{
		Type: knowledge.Alert, Audience: knowledge.Audience{ReadersOf: entry},
		Content: knowledge.BroadcastContent{
			Event: "更正", Category: category, Response: "Avoid", Urgency: "Unknown", Severity: "Unknown", Certainty: "Observed",
			Headline:    "之前跟您说的有一条要更正",
			Description: "您问过的“" + short + "”，我们的回答已经撤下。" + why,
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
