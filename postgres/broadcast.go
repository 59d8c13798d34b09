package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// The life of a broadcast. Who may do what is asked for inside each transaction; that nothing is sent which a second person has not approved
// is held by constraints and triggers (migrations/00020), whoever asks. Times are the database's.

var (
	composers  = []knowledge.Role{knowledge.Author, knowledge.Editor, knowledge.Publisher}
	publishers = []knowledge.Role{knowledge.Publisher}
)

// DraftBroadcast stores a new broadcast and numbers it. Its state, editors and approval are the store's, whatever b says.
func (s *Store) DraftBroadcast(ctx context.Context, b knowledge.Broadcast) (id int64, err error) {
	if b.Identifier == "" {
		b.Identifier = newIdentifier()
	}
	if err := wrong(b.Wrong()); err != nil {
		return 0, err
	}
	err = s.change(ctx, func(tx pgx.Tx) error {
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, composers); err != nil {
			return err
		}
		if err := listKept(ctx, tx, b.References); err != nil {
			return err
		}
		if b.Expires.IsZero() {
			if b.Expires, err = lastHour(ctx, tx, b.SendAt); err != nil {
				return err
			}
		}
		if b, err = insertBroadcast(ctx, tx, b); err != nil {
			return err
		}
		id = b.ID
		return s.auditor.Append(ctx, tx, aboutBroadcast(knowledge.BroadcastMade, b, map[string]string{"origin": b.Content.Origin}))
	})
	return id, broadcastError(err)
}

func insertBroadcast(ctx context.Context, tx pgx.Tx, b knowledge.Broadcast) (knowledge.Broadcast, error) {
	return scanBroadcast(tx.QueryRow(ctx, `
		INSERT INTO broadcasts (identifier, document, edited_by) VALUES ($1, $2, nullif($3::bigint, 0)) RETURNING `+broadcastColumns,
		b.Identifier, string(b.Document()), knowledge.ActorOf(ctx).Person))
}

// defaultLife is how long a broadcast may be sent whose last hour nobody named.
const defaultLife = 24 * time.Hour

func lastHour(ctx context.Context, tx pgx.Tx, send time.Time) (time.Time, error) {
	clock, err := databaseClock(ctx, tx)
	if send.After(clock) {
		clock = send
	}
	return clock.Add(defaultLife), err
}

func databaseClock(ctx context.Context, tx pgx.Tx) (clock time.Time, err error) {
	err = tx.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&clock)
	return clock, err
}

// newIdentifier names a broadcast for ever, here and in CAP, where a sender's identifiers may not repeat.
func newIdentifier() string {
	random := make([]byte, 6)
	_, _ = rand.Read(random) // never fails
	return "qz-" + time.Now().In(knowledge.China).Format("20060102") + "-" + hex.EncodeToString(random)
}

// EditBroadcast replaces what b.ID says, of revision b.Revision, and makes it a draft again: what was submitted or approved is void. The
// same content again is no edit.
func (s *Store) EditBroadcast(ctx context.Context, b knowledge.Broadcast) error {
	if err := wrong(b.Wrong()); err != nil {
		return err
	}
	return s.changeBroadcast(ctx, b.ID, composers, func(tx pgx.Tx, was knowledge.Broadcast) error {
		if b.Revision != was.Revision {
			return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("您改的是第%d稿，现在已经是第%d稿了；请重新打开再改", b.Revision, was.Revision)}
		}
		if b.Expires.IsZero() {
			b.Expires = was.Expires
		}
		if err := listKept(ctx, tx, b.References); err != nil {
			return err
		}
		keepOrigin(&b, was)
		if err := wrong(b.Wrong()); err != nil { // an exercise of others is none of the caller's words
			return err
		}
		is, err := scanBroadcast(tx.QueryRow(ctx, `
			UPDATE broadcasts SET document = $2, edited_by = CASE WHEN document = $2 THEN edited_by ELSE nullif($3::bigint, 0) END
			 WHERE id = $1 RETURNING `+broadcastColumns, b.ID, string(b.Document()), knowledge.ActorOf(ctx).Person))
		if err != nil || is.Hash == was.Hash {
			return err
		}
		return s.auditor.Append(ctx, tx, aboutBroadcast(knowledge.BroadcastEdited, is, map[string]string{"was": string(was.State)}))
	})
}

// keepOrigin leaves what another system's alert left to be done: an edit does not forget where it came from, nor that its areas were not found.
func keepOrigin(b *knowledge.Broadcast, was knowledge.Broadcast) {
	b.Content.Origin, b.Content.OriginExercise, b.Content.Notes = was.Content.Origin, was.Content.OriginExercise, was.Content.Notes
	if b.Type == knowledge.Alert {
		b.Audience.Unplaced = was.Audience.Unplaced // void once areas are named
	}
}

// SubmitBroadcast asks for the approval of the draft that has the hash.
func (s *Store) SubmitBroadcast(ctx context.Context, id int64, hash [32]byte) error {
	if knowledge.ActorOf(ctx).Person == 0 {
		return &knowledge.Error{Code: knowledge.Forbidden, Message: "送核准的要是登录了的人"}
	}
	return s.changeBroadcast(ctx, id, composers, func(tx pgx.Tx, b knowledge.Broadcast) error {
		if b.State != knowledge.BroadcastDraft {
			return &knowledge.Error{Code: knowledge.Conflict, Message: "不是草稿，不能送核准：现在是“" + b.State.Word() + "”"}
		}
		if err := sameHash(b, hash); err != nil {
			return err
		}
		clock, err := databaseClock(ctx, tx)
		if err != nil {
			return err
		}
		if err := wrong(b.Complaints(clock)); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE broadcasts SET state = 'submitted', submitted_by = $2 WHERE id = $1`, id, knowledge.ActorOf(ctx).Person)
		if err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, aboutBroadcast(knowledge.BroadcastSent, b, nil))
	})
}

// ApproveBroadcast lets what was submitted, and has the hash that was read, be sent. What is real needs the headline or knowledge.ActualPhrase
// typed by hand.
func (s *Store) ApproveBroadcast(ctx context.Context, id int64, hash [32]byte, typed string) error {
	by := knowledge.ActorOf(ctx).Person
	if by == 0 {
		return &knowledge.Error{Code: knowledge.Forbidden, Message: "核准的要是登录了的人，由另一个有“发布”角色的人来做"}
	}
	return s.changeBroadcast(ctx, id, publishers, func(tx pgx.Tx, b knowledge.Broadcast) error {
		_, err := tx.Exec(ctx, `
			INSERT INTO broadcast_approvals (broadcast_id, revision, hash, person_id, typed, at) VALUES ($1, $2, $3, $4, $5, clock_timestamp())`,
			id, b.Revision, hash[:], by, strings.TrimSpace(typed))
		if err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, aboutBroadcast(knowledge.BroadcastSigned, b, map[string]string{"typed": strings.TrimSpace(typed)}))
	})
}

// ReturnBroadcast makes a draft again of what waits for approval, or was approved and not begun, for a reason.
func (s *Store) ReturnBroadcast(ctx context.Context, id int64, reason string) error {
	if reason = strings.TrimSpace(reason); reason == "" {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "退回要写明原因"}
	}
	return s.step(ctx, id, publishers, "draft", knowledge.BroadcastReturned, reason)
}

// PauseBroadcast stops for the moment what is being sent.
func (s *Store) PauseBroadcast(ctx context.Context, id int64) error {
	return s.step(ctx, id, composers, "paused", knowledge.BroadcastHeld, "")
}

// ResumeBroadcast goes on with what was paused; its approval is still the one that it began on.
func (s *Store) ResumeBroadcast(ctx context.Context, id int64) error {
	return s.changeBroadcast(ctx, id, publishers, func(tx pgx.Tx, b knowledge.Broadcast) error {
		if b.State != knowledge.BroadcastPaused {
			return &knowledge.Error{Code: knowledge.Conflict, Message: "没有暂停，不用恢复：现在是“" + b.State.Word() + "”"}
		}
		return s.stepTo(ctx, tx, b, "sending", knowledge.BroadcastGoesOn, "")
	})
}

// CancelBroadcast ends a broadcast for a reason: what is unsent is not sent any more. What was sent is corrected by a broadcast of its own. Drafts are
// also given up by who may write them.
func (s *Store) CancelBroadcast(ctx context.Context, id int64, reason string) error {
	if reason = strings.TrimSpace(reason); reason == "" {
		return &knowledge.Error{Code: knowledge.Invalid, Message: "取消要写明原因"}
	}
	return s.changeBroadcast(ctx, id, composers, func(tx pgx.Tx, b knowledge.Broadcast) error {
		if b.State != knowledge.BroadcastDraft && b.State != knowledge.BroadcastSubmitted {
			if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, publishers); err != nil {
				return err
			}
		}
		return s.stepTo(ctx, tx, b, "cancelled", knowledge.BroadcastStopped, reason)
	})
}

func (s *Store) step(ctx context.Context, id int64, roles []knowledge.Role, to string, action knowledge.Action, reason string) error {
	return s.changeBroadcast(ctx, id, roles, func(tx pgx.Tx, b knowledge.Broadcast) error {
		return s.stepTo(ctx, tx, b, to, action, reason)
	})
}

func (s *Store) stepTo(ctx context.Context, tx pgx.Tx, b knowledge.Broadcast, to string, action knowledge.Action, reason string) error {
	if string(b.State) == to {
		return &knowledge.Error{Code: knowledge.Conflict, Message: "已经是“" + b.State.Word() + "”了"}
	}
	if _, err := tx.Exec(ctx, `UPDATE broadcasts SET state = $2 WHERE id = $1`, b.ID, to); err != nil {
		return err
	}
	detail := map[string]string{"was": string(b.State)}
	if reason != "" {
		detail["reason"] = reason
	}
	return s.auditor.Append(ctx, tx, aboutBroadcast(action, b, detail))
}

// beginBroadcast makes an approved broadcast whose hour has come one that is being sent, in the fan-out's own transaction. The database refuses
// what lapsed, expired or was made from an entry that is served no more.
func (s *Store) beginBroadcast(ctx context.Context, tx pgx.Tx, id int64) (b knowledge.Broadcast, err error) {
	b, err = scanBroadcast(tx.QueryRow(ctx, `
		UPDATE broadcasts SET state = 'sending' WHERE id = $1 AND state = 'approved' RETURNING `+broadcastColumns, id))
	return b, broadcastError(missing(err, "这一条现在不能开始发：没有核准，或者已经在发"))
}

// changeBroadcast runs what one person does to one broadcast, alone at a time.
func (s *Store) changeBroadcast(ctx context.Context, id int64, roles []knowledge.Role, do func(pgx.Tx, knowledge.Broadcast) error) error {
	return broadcastError(s.change(ctx, func(tx pgx.Tx) error {
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, roles); err != nil {
			return err
		}
		b, err := scanBroadcast(tx.QueryRow(ctx, `SELECT `+broadcastColumns+` FROM broadcasts WHERE id = $1 FOR UPDATE`, id))
		if err != nil {
			return missing(err, fmt.Sprintf("没有第%d号推送", id))
		}
		if seen, named := knowledge.SeenOf(ctx); named { // a form is about what was shown
			if err := sameHash(b, seen.Hash); err != nil {
				return err
			}
		}
		return do(tx, b)
	}))
}

func sameHash(b knowledge.Broadcast, hash [32]byte) error {
	if b.Hash != hash {
		return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("内容在您看过以后又改了，现在是第%d稿；请重新打开看过再做", b.Revision)}
	}
	return nil
}

func wrong(complaints []string) error {
	if len(complaints) == 0 {
		return nil
	}
	return &knowledge.Error{Code: knowledge.Invalid, Message: strings.Join(complaints, "；")}
}

// aboutBroadcast is the event of something done to a broadcast.
func aboutBroadcast(action knowledge.Action, b knowledge.Broadcast, more map[string]string) knowledge.Event {
	detail := map[string]string{
		"broadcast": b.Identifier, "number": strconv.FormatInt(b.ID, 10), "revision": strconv.Itoa(b.Revision), "kind": b.KindWord(),
	}
	for k, v := range more {
		if v != "" {
			detail[k] = v
		}
	}
	return knowledge.Event{Action: action, ContentHash: b.Hash, Detail: detail}
}

var broadcastErrors = map[string]struct {
	code    knowledge.Code
	message string
}{
	"broadcast_begun_is_immutable":         {knowledge.Conflict, "已经开始发或者已经结束，不能再改；要改正，请另发一条更正或作废"},
	"broadcast_step_known":                 {knowledge.Conflict, "现在不能这样做：请看它到了哪一步"},
	"broadcast_not_expired":                {knowledge.Conflict, "最晚还发的时间已经过了；请改晚，再送核准"},
	"broadcast_approval_holds":             {knowledge.Conflict, "核准过了2小时还没有开始发，失效了；请重新核准"},
	"broadcast_waits_for_its_hour":         {knowledge.Conflict, "还没到开始发的时间"},
	"broadcast_edit_has_editor":            {knowledge.Forbidden, "修改要写明是谁改的"},
	"broadcast_approver_still_may":         {knowledge.Conflict, "核准它的人停用了，或者不再是发布员；请另一个发布员重新核准"},
	"broadcast_entry_is_served":            {knowledge.Conflict, "它所根据的条目那一版没有发布，或者已经撤下、换了新版；请照现在发布的重新起草"},
	"broadcast_not_taken_back":             {knowledge.Conflict, "它要更正的已经作废，不能再更正；作废写错了，先停下那一条作废，或者另发一条通知"},
	"broadcast_corrects_what_was_sent":     {knowledge.Conflict, "只能更正或作废已经开始发的通知或更正"},
	"broadcast_corrects_its_kind":          {knowledge.Invalid, "演练只能更正演练，实发只能更正实发"},
	"broadcast_correction_has_no_audience": {knowledge.Invalid, "更正和作废发给收到原来那一条的人，不能另选"},
	"broadcast_foreign_exercise_stays":     {knowledge.Invalid, "它是照别的系统的一条演练写的，不能改成实发；真有这件事，另写一条"},
	"broadcast_origin_stays":               {knowledge.Conflict, "这一条来自哪个系统的预警，不能改"},
	"broadcast_origin_once":                {knowledge.Conflict, "这条外来的预警已经收过，在推送里；要改就改那一条"},
	"broadcast_blanks_filled":              {knowledge.Invalid, "还有空没填，填好才能送核准"},
	"approval_of_submitted":                {knowledge.Conflict, "现在不是等人核准：可能有人改过、退回或者已经核准了"},
	"approval_binds_hash":                  {knowledge.Conflict, "内容在您看过以后又改了；请重新看过再核准"},
	"approval_is_typed":                    {knowledge.Invalid, "这是实发，不是演练：请亲手打出“实际发布”四个字或者完整的第一句话"},
	"approval_by_publisher":                {knowledge.Forbidden, "核准要有“发布”角色，而且账号没有停用"},
	"approval_not_by_editor":               {knowledge.Forbidden, "自己写过、改过或者送核准的，要另一个人来核准"},
	"broadcast_sent_is_approved":           {knowledge.Forbidden, "没有另一个人的核准，不能发"},
}

// broadcastError words what the database refused.
func broadcastError(err error) error {
	var known *knowledge.Error
	if said, ok := broadcastErrors[constraint(err)]; ok && !errors.As(err, &known) {
		return &knowledge.Error{Code: said.code, Message: said.message, Err: err}
	}
	return err
}
