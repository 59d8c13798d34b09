package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bot"
	"qiuzhen/retrieval"
)

// waitingGone are those of what the reply m shows that are not served any more ($1 now), by their place in shown, from 1: replies are looked up again
// before they are said, as those of other channels are. A version that was a draft when it was quoted may be one still.
const waitingGone = `ARRAY (SELECT s.place::integer FROM jsonb_array_elements(m.shown) WITH ORDINALITY AS s(quote, place) WHERE NOT EXISTS (
	SELECT FROM entry_versions v WHERE v.entry_id = s.quote ->> 'ID' AND v.version = (s.quote ->> 'Version')::integer
	   AND v.status IN ('published', 'draft', 'in_review') AND v.expires_at > $1 AND v.complete))`

// held is a reply that waits, as it was stored.
type held struct {
	ID    string
	Reply string
	Shown []bot.Quote
	Gone  []int32
}

// now is the reply as it may be said now, and what it shows.
func (w held) now() (string, []bot.Quote) {
	gone := map[retrieval.Ref]bool{}
	for _, place := range w.Gone {
		gone[w.Shown[place-1].Ref] = true
	}
	return bot.Without(w.Reply, w.Shown, func(ref retrieval.Ref) bool { return gone[ref] })
}

// takeLate joins the reader's late replies to one that is given, so that another post of its message gets the same text.
func (s WeChat) takeLate(ctx context.Context, own held, reader string, now time.Time, join func(string, []string) (string, int)) (text string, err error) {
	reply, shown := own.now()
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `
			SELECT m.id, m.reply, m.shown, `+waitingGone+` FROM wechat_messages m WHERE m.reader = $2 AND m.id <> $3 AND m.late AND m.reply <> ''
			   AND m.given_at IS NULL AND NOT m.sent AND m.leased_to <= $1 ORDER BY m.created_at, m.id LIMIT 3 FOR UPDATE SKIP LOCKED`, now, reader, own.ID)
		if err != nil {
			return err
		}
		late, err := pgx.CollectRows(rows, pgx.RowToStructByPos[held])
		if err != nil {
			return err
		}
		ids, replies, quotes := make([]string, len(late)), make([]string, len(late)), make([][]bot.Quote, len(late))
		for i, w := range late {
			ids[i] = w.ID
			replies[i], quotes[i] = w.now()
		}
		var n int
		text, n = join(reply, replies)
		for i := range n {
			shown = append(shown, joined(text, reply, replies[i], quotes[i])...)
		}
		_, err = tx.Exec(ctx, `
			UPDATE wechat_messages SET reply = CASE WHEN id = $1 THEN $2 ELSE '' END, shown = CASE WHEN id = $1 THEN $5::jsonb ELSE '[]' END,
			       reader = '', given_at = $4 WHERE id = $1 OR id = ANY($3)`, own.ID, text, ids[:n], now, orNone(shown))
		return err
	})
	if err != nil {
		return "", fmt.Errorf("take late replies of wechat: %w", err)
	}
	return text, nil
}

// joined are the quotes of a late reply in the text that it was joined to. Where it was cut short to fit its words are not in there as they were: then all
// that follows the reader's own reply goes with them.
func joined(text, own, late string, quotes []bot.Quote) []bot.Quote {
	rest, ok := strings.CutPrefix(text, own)
	if !ok || strings.Contains(text, late) {
		return quotes
	}
	quotes = slices.Clone(quotes)
	for i := range quotes {
		quotes[i].Words, quotes[i].Instead = rest, "\n\n"+strings.TrimSpace(quotes[i].Instead)
	}
	return quotes
}
