package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// The life of an entry. Who may do what is asked for inside each transaction, so that a role taken away holds at once; what may be served
// is held by constraints (migrations/00007), whoever comes first.

// Submit puts an entry's draft under review, by somebody who may write.
func (s *Store) Submit(ctx context.Context, id knowledge.ID) (version int, err error) {
	return s.SubmitDespite(ctx, id, "")
}

// SubmitDespite is Submit of what contradicts a published verdict (authoring.Report): the author's reason stands in the audit log.
func (s *Store) SubmitDespite(ctx context.Context, id knowledge.ID, reason string) (version int, err error) {
	err = s.changeEntry(ctx, id, []knowledge.Role{knowledge.Author, knowledge.Editor}, func(tx pgx.Tx) error {
		var hash []byte
		err := tx.QueryRow(ctx, `
			UPDATE entry_versions SET status = 'in_review' WHERE entry_id = $1 AND status = 'draft' RETURNING version, content_hash`,
			string(id)).Scan(&version, &hash)
		if err != nil {
			return missing(err, fmt.Sprintf("%s 没有可以送审的草稿", id))
		}
		event := knowledge.Event{Action: knowledge.DraftSubmitted, Entry: id, Version: version, ContentHash: [32]byte(hash)}
		if reason != "" {
			event.Detail = map[string]string{"despite": reason}
		}
		return s.auditor.Append(ctx, tx, event)
	})
	if constraint(err) == "version_incomplete_stays_draft" {
		err = &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("%s 还缺内容，补全以后才能送审", id), Err: err}
	}
	return version, err
}

// Signature is the domain's.
type Signature = knowledge.Signature

// Sign stores a review. It refuses what is not under review, another content, the author, a second signature in a round and a role
// not held. A return sends the version back to its author, or takes back what was published in an emergency; a signature that completes
// the review of such a version ends the emergency.
func (s *Store) Sign(ctx context.Context, r Signature) error {
	err := s.change(ctx, func(tx pgx.Tx) error {
		// as all that changes an entry does, first of all: what retires a version locks its passages before it, a return after it
		if _, err := tx.Exec(ctx, `SELECT FROM entries WHERE id = $1 FOR UPDATE`, string(r.Entry)); err != nil {
			return err
		}
		urgent, _, err := servedInEmergency(ctx, tx, r.Entry, r.Version)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			INSERT INTO reviews (entry_id, version, content_hash, reviewer, title, institution, role, decision, comment, reviewed_at, reviewer_id, round)
			VALUES ($1, $2, $3, '-', '-', '-', $4, $5, $6, $7, $8, 0)`, // name and round are the trigger's
			string(r.Entry), r.Version, r.Hash[:], r.Role, r.Decision, r.Comment, r.At, knowledge.ActorOf(ctx).Person)
		if err != nil {
			return err
		}
		still, until, err := servedInEmergency(ctx, tx, r.Entry, r.Version)
		if err != nil {
			return err
		}
		if !urgent || still || r.Decision == "return" {
			until = time.Time{}
		}
		proposed, err := s.correctReturned(ctx, tx, r)
		if err != nil {
			return err
		}
		for _, e := range append([]knowledge.Event{signed(r, until)}, proposed...) {
			if err := s.auditor.Append(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if constraint(err) == "one_review_each" {
		return s.signedBefore(ctx, r, err)
	}
	if said, ok := signingErrors[constraint(err)]; ok {
		return &knowledge.Error{Code: said.code, Message: said.message, Err: err}
	}
	return err
}

// servedInEmergency reports whether a version is, and until when it is served. The signature that completes its reviews ends that by a trigger
// (migrations/00035).
func servedInEmergency(ctx context.Context, tx pgx.Tx, id knowledge.ID, version int) (urgent bool, until time.Time, err error) {
	err = tx.QueryRow(ctx, `
		SELECT emergency, expires_at FROM entry_versions WHERE entry_id = $1 AND version = $2 AND status = 'published'`,
		string(id), version).Scan(&urgent, &until)
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil
	}
	return urgent, until, err
}

// correctReturned proposes to correct what a return took back that was published in an emergency.
func (s *Store) correctReturned(ctx context.Context, tx pgx.Tx, r Signature) ([]knowledge.Event, error) {
	var withdrawn bool
	err := tx.QueryRow(ctx, `SELECT status = 'withdrawn' FROM entry_versions WHERE entry_id = $1 AND version = $2`, string(r.Entry), r.Version).Scan(&withdrawn)
	if err != nil || !withdrawn || r.Decision != "return" {
		return nil, err
	}
	return s.proposeCorrections(ctx, tx, []knowledge.Event{{Entry: r.Entry, Version: r.Version, Detail: map[string]string{"was": string(knowledge.Published)}}})
}

// signedBefore says why a second signature in a round is refused: two signatures are two people, also where the first was a publisher's
// for an emergency, who may hold the expert's role too.
func (s *Store) signedBefore(ctx context.Context, r Signature, cause error) error {
	before, err := s.Involvement(ctx, r.Entry, r.Version, knowledge.ActorOf(ctx).Person)
	if err != nil {
		return errors.Join(cause, err)
	}
	message := "这一轮您已经签过了，要另一个人签"
	if before.SignedAs == knowledge.Publisher && r.Role != knowledge.Publisher {
		message = "这一版您已经以发布员身份签过紧急核发，不能再以" + r.Role.Zh() + "身份签：核发和复核要不同的人，请另一位" + r.Role.Zh() + "来签"
		if r.Decision == "return" {
			message = "这一版您已经以发布员身份签过紧急核发，不能再退回；内容有误请直接撤下，或者请别人退回"
		}
	}
	return &knowledge.Error{Code: knowledge.Conflict, Message: message, Err: cause}
}

// signed is the event of a review; until is when the version is served to from now on, when the signature ended its emergency.
func signed(r Signature, until time.Time) knowledge.Event {
	e := knowledge.Event{
		Action: knowledge.ReviewApproved, Entry: r.Entry, Version: r.Version, ContentHash: r.Hash,
		Detail: map[string]string{"role": string(r.Role)},
	}
	if r.Decision == "return" {
		e.Action = knowledge.ReviewReturned
	}
	if r.Comment != "" {
		e.Detail["comment"] = r.Comment
	}
	if !until.IsZero() {
		e.Detail["emergency"], e.Detail["until"] = "ended", until.UTC().Format(time.RFC3339)
	}
	return e
}

var signingErrors = map[string]struct {
	code    knowledge.Code
	message string
}{
	"review_binds_hash":          {knowledge.Conflict, "签字的内容与现在这一版不同，请重新审阅"},
	"review_of_submitted":        {knowledge.Conflict, "这一版现在不在审核中"},
	"review_of_lapsed_emergency": {knowledge.Conflict, "紧急核发的时间已经过了，补签也不再回答；请先退回或撤下，另存一版重新送审、签字、发布"},
	"review_by_role":             {knowledge.Forbidden, "您没有这样签字的角色，或者账号停用了"},
	"review_not_by_author":       {knowledge.Forbidden, "自己写过或改过的，不能自己签"},
	"review_return_has_comment":  {knowledge.Invalid, "退回要写明原因"},
	"review_decision_known":      {knowledge.Invalid, "只能签字或退回"},
}

// fullyReviewed is of a version that has the signatures its topic asks for.
const fullyReviewed = `experts >= needs_experts AND editors >= needs_editors AND approvals >= needs_reviewers`

// Publish serves the entry's version under review in place of the one published before. In an emergency two publishers' signatures
// are enough, for 24 hours; what has its reviews by now is published on them, whatever was asked for. The database refuses what has not the signatures (version_published_has_reviews), and what was signed so long
// ago that it would be served no more.
func (s *Store) Publish(ctx context.Context, id knowledge.ID, emergency bool, now time.Time) error {
	err := s.changeEntry(ctx, id, []knowledge.Role{knowledge.Publisher}, func(tx pgx.Tx) error {
		version, err := openVersion(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := retire(ctx, tx, id, "superseded", "published"); err != nil {
			return err
		}
		var hash []byte
		var until time.Time
		err = tx.QueryRow(ctx, `
			UPDATE entry_versions SET status = 'published', published_at = $3::timestamptz, emergency = $4::boolean AND NOT (`+fullyReviewed+`),
			       expires_at = CASE WHEN $4::boolean AND NOT (`+fullyReviewed+`) THEN $3::timestamptz + interval '24 hours'
			           ELSE coalesce((SELECT max(reviewed_at) FROM reviews r WHERE r.entry_id = $1 AND r.version = $2
			                             AND r.round = entry_versions.round AND r.decision = 'approve' AND r.role IN ('expert', 'editor')), $3::timestamptz) + make_interval(months => months) END
			 WHERE entry_id = $1 AND version = $2
			RETURNING content_hash, expires_at, emergency`, string(id), version, now, emergency).Scan(&hash, &until, &emergency)
		if err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{
			Action: knowledge.EntryPublished, Entry: id, Version: version, ContentHash: [32]byte(hash),
			Detail: map[string]string{"until": until.UTC().Format(time.RFC3339), "emergency": strconv.FormatBool(emergency)},
		})
	})
	if said, ok := publishingErrors[constraint(err)]; ok {
		return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("%s %s", id, said), Err: err}
	}
	return err
}

var publishingErrors = map[string]string{
	"version_incomplete_stays_draft": "还缺内容，补全以后才能发布",
	"version_published_has_reviews":  "签字还不够，不能发布",
	"version_published_in_its_life":  "签字已经过期，要重新签：请退回，再送审、签字",
}

// Withdraw takes every version of the entry out of service, at once and for a reason; nothing is deleted. Its readers' correction is
// drafted with it (OpenCorrection).
func (s *Store) Withdraw(ctx context.Context, id knowledge.ID, reason string) error {
	if reason == "" {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "撤下要写明原因"}
	}
	return s.changeEntry(ctx, id, []knowledge.Role{knowledge.Publisher}, func(tx pgx.Tx) error {
		events, err := withdrawals(ctx, tx, id)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `
			UPDATE entry_versions SET reason = $2 WHERE entry_id = $1 AND status IN ('draft', 'in_review', 'published')`, string(id), reason)
		if err != nil {
			return err
		}
		if err := retire(ctx, tx, id, "withdrawn", "draft", "in_review", "published"); err != nil {
			return err
		}
		proposed, err := s.proposeCorrections(ctx, tx, events)
		if err != nil {
			return err
		}
		for _, e := range events {
			e.Detail["reason"] = reason
		}
		for _, e := range append(events, proposed...) {
			if err := s.auditor.Append(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// changeEntry runs what one person does to one entry, alone at a time. The program itself (nobody of the staff) may do all.
func (s *Store) changeEntry(ctx context.Context, id knowledge.ID, roles []knowledge.Role, do func(pgx.Tx) error) error {
	return s.change(ctx, func(tx pgx.Tx) error {
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, roles); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `SELECT FROM entries WHERE id = $1 FOR UPDATE`, string(id))
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return &knowledge.Error{Code: knowledge.NotFound, Message: fmt.Sprintf("没有 %s 这个条目", id)}
		}
		if err := unchanged(ctx, tx, id); err != nil {
			return err
		}
		return do(tx)
	})
}

// mayDo reports whether the person holds one of the roles now, and keeps it so until the transaction ends. The roles are read in a statement
// after the lock: one that waits for it goes on with what it saw before.
func mayDo(ctx context.Context, tx pgx.Tx, by knowledge.PersonID, roles []knowledge.Role) error {
	if by == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `SELECT FROM people WHERE id = $1 FOR SHARE`, by); err != nil {
		return err
	}
	var held []knowledge.Role
	err := tx.QueryRow(ctx, `
		SELECT array(SELECT role FROM person_roles r WHERE r.person_id = p.id) FROM people p
		 WHERE p.id = $1 AND p.disabled_at IS NULL`, by).Scan(&held)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	if !slices.ContainsFunc(roles, func(r knowledge.Role) bool { return slices.Contains(held, r) }) {
		var words []string
		for _, r := range roles {
			words = append(words, r.Zh())
		}
		return &knowledge.Error{Code: knowledge.Forbidden, Message: "您没有做这件事的角色（要" + strings.Join(words, "或") + "）"}
	}
	return nil
}

// unchanged refuses what was decided on another version than the entry's newest (knowledge.WithSeen), and
// what is to be new and is there. The entry is locked.
func unchanged(ctx context.Context, tx pgx.Tx, id knowledge.ID) error {
	seen, named := knowledge.SeenOf(ctx)
	if !named {
		return nil
	}
	var version int
	var hash []byte
	err := tx.QueryRow(ctx, `SELECT version, content_hash FROM entry_versions WHERE entry_id = $1 ORDER BY version DESC LIMIT 1`,
		string(id)).Scan(&version, &hash)
	switch {
	case seen == knowledge.Seen{} && errors.Is(err, pgx.ErrNoRows):
		return nil
	case seen == knowledge.Seen{} && err == nil:
		return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("已经有编号是 %s 的条目了", id)}
	}
	if err == nil && (version != seen.Version || [32]byte(hash) != seen.Hash) {
		return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("您看的是第%d版，现在已经是第%d版了", seen.Version, version)}
	}
	return missing(err, fmt.Sprintf("没有 %s 这个条目", id))
}

// missing turns "no rows" into NotFound with the message, and leaves other errors as they are.
func missing(err error, message string) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return &knowledge.Error{Code: knowledge.NotFound, Message: message}
	}
	return err
}
