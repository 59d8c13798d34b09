package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

const broadcastColumns = `id, identifier, document, state, revision, editors, coalesce(approved_by, 0), created_at, approved_at, begun_at, ended_at`

func scanBroadcast(row pgx.Row) (b knowledge.Broadcast, err error) {
	var document string
	var approved, begun, ended *time.Time
	err = row.Scan(&b.ID, &b.Identifier, &document, &b.State, &b.Revision, &b.Editors, &b.ApprovedBy, &b.CreatedAt, &approved, &begun, &ended)
	if err != nil {
		return b, err
	}
	for to, at := range map[*time.Time]*time.Time{&b.ApprovedAt: approved, &b.BegunAt: begun, &b.EndedAt: ended} {
		if at != nil {
			*to = *at
		}
	}
	return b, b.ReadDocument([]byte(document))
}

// Broadcast is one broadcast as it is now; NotFound when there is none.
func (s *Store) Broadcast(ctx context.Context, id int64) (knowledge.Broadcast, error) {
	b, err := scanBroadcast(s.pool.QueryRow(ctx, `SELECT `+broadcastColumns+` FROM broadcasts WHERE id = $1`, id))
	return b, missing(err, fmt.Sprintf("没有第%d号推送", id))
}

// Broadcasts lists those in a state (empty: all), the newest first.
func (s *Store) Broadcasts(ctx context.Context, state knowledge.BroadcastState, limit int) ([]knowledge.Broadcast, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT `+broadcastColumns+` FROM broadcasts WHERE $1 = '' OR state = $1 ORDER BY id DESC LIMIT $2`, string(state), limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (knowledge.Broadcast, error) { return scanBroadcast(row) })
}

// BroadcastsNamed are those of an identifier of ours, or made from an alert of another system (knowledge.BroadcastContent.Origin), the newest first.
func (s *Store) BroadcastsNamed(ctx context.Context, identifiers, origins []string) ([]knowledge.Broadcast, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT `+broadcastColumns+` FROM broadcasts WHERE identifier = ANY ($1)
		UNION
		SELECT `+broadcastColumns+` FROM broadcasts WHERE (document::jsonb -> 'content' ->> 'origin') = ANY ($2)
		   AND (document::jsonb -> 'content' ->> 'origin') IS NOT NULL AND NOT (state = 'cancelled' AND begun_at IS NULL)
		 ORDER BY id DESC`, orNone(identifiers), orNone(origins))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (knowledge.Broadcast, error) { return scanBroadcast(row) })
}

// public is what anybody may read of: no exercise, and not what is for those only whom an entry was told, nor what corrects that.
const public = `b.begun_at IS NOT NULL AND NOT b.exercise AND NOT EXISTS (
	SELECT FROM broadcasts o WHERE o.id IN (SELECT broadcast_chain(b.id)) AND o.document::jsonb #>> '{audience,readers_of}' <> '')`

// PublicBroadcasts are those of the public that were begun and hold, the newest first: not what the staff stopped or hold back for the moment.
func (s *Store) PublicBroadcasts(ctx context.Context, limit int) ([]knowledge.Broadcast, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT `+broadcastColumns+` FROM broadcasts b WHERE state NOT IN ('paused', 'cancelled') AND `+public+` ORDER BY begun_at DESC, id DESC LIMIT $1`, limit)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (knowledge.Broadcast, error) { return scanBroadcast(row) })
}

// PublicBroadcast is one of the public that was begun, also one that was stopped since: its corrections name it. NotFound when none of the identifier was.
func (s *Store) PublicBroadcast(ctx context.Context, identifier string) (knowledge.Broadcast, error) {
	b, err := scanBroadcast(s.pool.QueryRow(ctx, `SELECT `+broadcastColumns+` FROM broadcasts b WHERE identifier = $1 AND `+public, identifier))
	return b, missing(err, "没有这条推送")
}

// Wakes reports whether the broadcast is sent at night too: for itself, or for something that it corrects, as the delivery has it (level, in deliver.go).
// It may be one that was not stored yet.
func (s *Store) Wakes(ctx context.Context, b knowledge.Broadcast) (wakes bool, err error) {
	if b.Exercise || b.Urgent() || b.Type == knowledge.Alert {
		return b.Urgent(), nil
	}
	most, err := s.begunLevel(ctx, b.References)
	return most > 0, err
}

// Corrections are the broadcasts that update or cancel this one, oldest first.
func (s *Store) Corrections(ctx context.Context, id int64) ([]knowledge.Broadcast, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+broadcastColumns+` FROM broadcasts WHERE references_id = $1 ORDER BY id`, id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (knowledge.Broadcast, error) { return scanBroadcast(row) })
}

// BroadcastHistory is all that the audit log tells of a broadcast, oldest first. Version is the revision.
func (s *Store) BroadcastHistory(ctx context.Context, identifier string) ([]knowledge.Happened, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT at, coalesce((detail ->> 'revision')::integer, 0), action, actor_name, from_where, detail::text
		  FROM audit_log WHERE detail ? 'broadcast' AND detail ->> 'broadcast' = $1 ORDER BY seq`, identifier)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (h knowledge.Happened, err error) {
		err = row.Scan(&h.At, &h.Version, &h.What, &h.Who, &h.From, &h.Detail)
		return h, err
	})
}

// SettleBroadcasts does what the clock asks for: approvals that lapsed, or of what the entry says no more, are asked for anew, and what
// reached its last hour ends. It returns how many were changed.
func (s *Store) SettleBroadcasts(ctx context.Context) (changed int, err error) {
	for _, c := range []struct {
		to, of string
		action knowledge.Action
		why    string
	}{
		{"expired", `state IN ('approved', 'sending', 'paused') AND expires_at <= clock_timestamp()`, knowledge.BroadcastRanOut, ""},
		{"cancelled", `state = 'approved' AND broadcast_taken_back(id, msg_type)`, knowledge.BroadcastStopped, "它要更正的已经作废"},
		{"submitted", `state = 'approved' AND NOT broadcast_entry_served(entry_id, version, clock_timestamp())`, knowledge.BroadcastLapsed, "条目撤下或换了新版"},
		{"submitted", `state = 'approved' AND NOT approval_holds(approved_at, send_at, clock_timestamp())`, knowledge.BroadcastLapsed, "2小时没有开始发"},
		{"submitted", `state = 'approved' AND NOT approver_may(approved_by)`, knowledge.BroadcastLapsed, "核准它的人停用了，或者不再是发布员"},
	} {
		rows, err := s.pool.Query(ctx, `SELECT id FROM broadcasts WHERE `+c.of)
		if err != nil {
			return changed, err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		if err != nil {
			return changed, err
		}
		for _, id := range ids {
			n, err := s.settle(ctx, id, c.to, c.of, c.action, c.why)
			if err != nil {
				return changed, err
			}
			changed += n
		}
	}
	return changed, nil
}

func (s *Store) settle(ctx context.Context, id int64, to, of string, action knowledge.Action, why string) (changed int, err error) {
	err = s.change(ctx, func(tx pgx.Tx) error {
		was, err := scanBroadcast(tx.QueryRow(ctx, `SELECT `+broadcastColumns+` FROM broadcasts WHERE id = $1 AND `+of+` FOR UPDATE`, id))
		if err != nil {
			if missing(err, "") != err {
				return nil // somebody was first
			}
			return err
		}
		changed = 1
		return s.stepTo(ctx, tx, was, to, action, why)
	})
	return changed, err
}
