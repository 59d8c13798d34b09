package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/eval/cases"
	"qiuzhen/knowledge"
)

// The experts' review of evaluation cases. Which step may follow which, and by whom, is held by the database (migrations/00023).

var caseErrors = map[string]struct {
	code    knowledge.Code
	message string
}{
	"case_version_is_newer":           {knowledge.Conflict, "已经有这一版或者更新的一版了"},
	"case_annotation_binds_hash":      {knowledge.Conflict, "用例改过了，请重新导出"},
	"case_annotation_in_time":         {knowledge.Conflict, "两个人都标完了，不能再改；有不同的由第三个人裁定（qiuzhen eval annotate adjudicate）"},
	"case_annotation_by_role":         {knowledge.Forbidden, "标注要专家或编辑来做，账号不能停用"},
	"case_is_settled_once":            {knowledge.Conflict, "已经裁定过了"},
	"case_adjudication_of_difference": {knowledge.Conflict, "现在没有要裁定的：要先有两个人标过，并且标得不同"},
	"case_adjudication_by_a_third":    {knowledge.Forbidden, "您自己标过这一条，要另一个人来裁定"},
	"case_adjudication_by_role":       {knowledge.Forbidden, "裁定要专家或编辑来做，账号不能停用"},
	"case_adjudication_has_reason":    {knowledge.Invalid, "裁定要写明理由，最多2000个字"},
	"case_approval_of_settled":        {knowledge.Conflict, "还不能签：要两个人标得一致，或者裁定过，并且是现在这一版"},
	"case_approval_of_what_is_right":  {knowledge.Conflict, "还不能签：专家的结论和用例写的不同。请改用例，版本加1，再收进来"},
	"case_approval_by_expert":         {knowledge.Forbidden, "签字要专家来签，账号不能停用"},
	"case_approval_by_another":        {knowledge.Forbidden, "您标过或者裁定过这一条，要另一位专家来签"},
	"case_approval_binds_hash":        {knowledge.Conflict, "签字的内容与现在这一版不同，请重新审阅"},
	"case_is_signed_once_each":        {knowledge.Conflict, "您已经签过了"},
	"case_goes_step_by_step":          {knowledge.Conflict, "还不能锁定：要先有专家签字"},
}

// caseError says what is wrong of a case in the words of those who review.
func caseError(id string, err error) error {
	if said, ok := caseErrors[constraint(err)]; ok {
		return &knowledge.Error{Code: said.code, Message: id + "：" + said.message, Err: err}
	}
	return err
}

// AddCases stores cases whose newest version is not known yet, as drafts, and returns how many; the signatures of their older versions are void,
// and so are their labels unless they hold for the new one too (cases.Reviewed.Carried). A case that says something else under the same
// version, or is older than what is known, is refused with all the others.
func (s *Store) AddCases(ctx context.Context, all []cases.Case, now time.Time) (added int, err error) {
	err = s.change(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock(hashtext('qiuzhen cases'))`); err != nil { // as new_case_version
			return err
		}
		known, err := caseIndex(ctx, tx)
		if err != nil {
			return err
		}
		fresh, err := freshCases(all, known)
		if added = len(fresh); err != nil || added == 0 {
			return err
		}
		before, err := reviewedCases(ctx, tx)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		for _, c := range fresh {
			document, err := json.Marshal(c)
			if err != nil {
				return err
			}
			batch.Queue(`INSERT INTO case_versions (case_id, version, hash, document, expected, added_at) VALUES ($1, $2, $3, $4, $5, $6)`,
				c.ID, c.Version, caseHash(c), document, c.Expected(), now)
		}
		if err := tx.SendBatch(ctx, batch).Close(); err != nil {
			return err
		}
		carried, err := carryLabels(ctx, tx, before, fresh)
		if err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{Action: knowledge.CasesAdded, Detail: map[string]string{
			"cases": strconv.Itoa(added), "sha256": cases.SetHash(fresh), "labels_carried": strconv.Itoa(carried),
		}})
	})
	return added, err
}

// carryLabels gives newer versions the labels of the older ones that hold for them, of people who may still label; where these still differ, who
// settled it is asked again.
func carryLabels(ctx context.Context, tx pgx.Tx, before []cases.Reviewed, fresh []cases.Case) (carried int, err error) {
	was := map[string]cases.Reviewed{}
	for _, r := range before {
		was[r.Case.ID] = r
	}
	for _, c := range fresh {
		given := was[c.ID].Carried(c)
		if len(given) == 0 {
			continue
		}
		labels, err := json.Marshal(given)
		if err != nil {
			return 0, err
		}
		// one statement: the case is a draft until all of them are there
		tag, err := tx.Exec(ctx, `
			INSERT INTO case_annotations (case_id, version, hash, person_id, label, judged, remark, at)
			SELECT $1, $2, $3, p.id, g."Label", g."Judged", g."Remark", g."At"
			  FROM jsonb_to_recordset($4::jsonb) AS g ("Login" text, "Label" jsonb, "Judged" text, "Remark" text, "At" timestamptz)
			  JOIN people p ON p.login = g."Login" AND p.disabled_at IS NULL
			 WHERE EXISTS (SELECT FROM person_roles r WHERE r.person_id = p.id AND r.role IN ('expert', 'editor'))`,
			c.ID, c.Version, caseHash(c), labels)
		if err != nil {
			return 0, caseError(c.ID, err)
		}
		carried += int(tag.RowsAffected())
	}
	return carried, nil
}

// freshCases are those to store; the error names all that cannot be.
func freshCases(all []cases.Case, known cases.Index) ([]cases.Case, error) {
	var fresh []cases.Case
	var wrong []string
	for _, c := range all {
		was, ok := known[c.ID]
		switch same := was.Hash == c.Hash(); {
		case !ok || c.Version > was.Version:
			fresh = append(fresh, c)
		case c.Version < was.Version:
			wrong = append(wrong, fmt.Sprintf("%s 是第%d版，库里已经有第%d版", c.ID, c.Version, was.Version))
		case !same:
			wrong = append(wrong, fmt.Sprintf("%s 改了内容，还是第%d版：请改成第%d版，原来的签字作废", c.ID, c.Version, c.Version+1))
		}
	}
	if len(wrong) > 0 {
		return nil, &knowledge.Error{Code: knowledge.Conflict, Message: strings.Join(wrong, "\n")}
	}
	return fresh, nil
}

func caseIndex(ctx context.Context, db querier) (cases.Index, error) {
	rows, err := db.Query(ctx, `SELECT case_id, version, encode(hash, 'hex') FROM case_versions WHERE status <> 'void'`)
	if err != nil {
		return nil, err
	}
	index := cases.Index{}
	var id string
	var lock cases.Lock
	_, err = pgx.ForEachRow(rows, []any{&id, &lock.Version, &lock.Hash}, func() error {
		index[id] = lock
		return nil
	})
	return index, err
}

func caseHash(c cases.Case) []byte {
	hash, err := hex.DecodeString(c.Hash())
	if err != nil {
		panic(err) // Hash is hexadecimal
	}
	return hash
}

// ReviewedCases are the newest versions of all cases with what was said of them, by id.
func (s *Store) ReviewedCases(ctx context.Context) ([]cases.Reviewed, error) {
	return reviewedCases(ctx, s.pool)
}

func reviewedCases(ctx context.Context, db querier) ([]cases.Reviewed, error) {
	rows, err := db.Query(ctx, `
		SELECT v.document, v.status,
		       coalesce((SELECT jsonb_agg(jsonb_build_object('login', p.login, 'name', p.name, 'label', a.label, 'judged', a.judged,
		           'remark', a.remark, 'at', a.at) ORDER BY p.login) FROM case_annotations a JOIN people p ON p.id = a.person_id
		           WHERE a.case_id = v.case_id AND a.version = v.version), '[]'),
		       (SELECT jsonb_build_object('login', p.login, 'name', p.name, 'label', a.label, 'judged', a.judged,
		           'remark', a.reason, 'at', a.at) FROM case_adjudications a JOIN people p ON p.id = a.person_id
		           WHERE a.case_id = v.case_id AND a.version = v.version),
		       coalesce((SELECT jsonb_agg(jsonb_build_object('login', p.login, 'name', a.reviewer, 'title', a.title,
		           'institution', a.institution, 'at', a.at) ORDER BY a.at, p.login) FROM case_approvals a JOIN people p ON p.id = a.person_id
		           WHERE a.case_id = v.case_id AND a.version = v.version), '[]')
		  FROM case_versions v WHERE v.status <> 'void' ORDER BY v.case_id`)
	if err != nil {
		return nil, fmt.Errorf("look up the review of cases: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r cases.Reviewed, err error) {
		err = row.Scan(&r.Case, &r.Status, &r.Given, &r.Settled, &r.Signed)
		return r, err
	})
}

// Annotate stores what the person who acts says of cases: all, or nothing. Labels that she has given already in the same words are counted apart.
func (s *Store) Annotate(ctx context.Context, given []cases.Annotation, now time.Time) (stored, same int, err error) {
	given = slices.SortedFunc(slices.Values(given), func(a, b cases.Annotation) int { return strings.Compare(a.Case.ID, b.Case.ID) }) // one order of locks
	by := knowledge.ActorOf(ctx).Person
	err = s.change(ctx, func(tx pgx.Tx) error {
		sum := sha256.New()
		for _, a := range given {
			label, err := json.Marshal(a.Label)
			if err != nil {
				return err
			}
			tag, err := tx.Exec(ctx, `
				INSERT INTO case_annotations (case_id, version, hash, person_id, label, judged, remark, at)
				SELECT $1::text, $2::integer, $3::bytea, $4::bigint, $5::jsonb, $6::text, $7::text, $8::timestamptz
				 WHERE NOT EXISTS (SELECT FROM case_annotations o WHERE (o.case_id, o.version, o.hash, o.person_id, o.label, o.remark) = ($1, $2, $3, $4, $5, $7))
				ON CONFLICT (case_id, version, person_id) DO UPDATE SET label = excluded.label, judged = excluded.judged, remark = excluded.remark, at = excluded.at`,
				a.Case.ID, a.Case.Version, caseHash(a.Case), by, label, a.Case.Judged(a.Label), a.Remark, now)
			if err != nil {
				return caseError(a.Case.ID, err)
			}
			if tag.RowsAffected() > 0 {
				stored++
				fmt.Fprintf(sum, "%s %d %s %s\n", a.Case.ID, a.Case.Version, label, a.Remark)
			}
		}
		if same = len(given) - stored; stored == 0 {
			return nil
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{Action: knowledge.CasesAnnotated, Detail: map[string]string{
			"cases": strconv.Itoa(stored), "sha256": hex.EncodeToString(sum.Sum(nil)),
		}})
	})
	if err != nil {
		return 0, 0, err
	}
	return stored, same, nil
}

// Adjudicate settles a case whose labels differ, by a third person and for a reason.
func (s *Store) Adjudicate(ctx context.Context, c cases.Case, l cases.Label, reason string, now time.Time) error {
	label, err := json.Marshal(l)
	if err != nil {
		return err
	}
	return s.changeCase(ctx, c, knowledge.CaseAdjudicated, map[string]string{"judged": c.Judged(l), "reason": reason}, `
		INSERT INTO case_adjudications (case_id, version, hash, person_id, label, judged, reason, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		knowledge.ActorOf(ctx).Person, label, c.Judged(l), reason, now)
}

// ApproveCase signs a case, as an expert: that what it expects is right.
func (s *Store) ApproveCase(ctx context.Context, c cases.Case, now time.Time) error {
	return s.changeCase(ctx, c, knowledge.CaseApproved, nil, `
		INSERT INTO case_approvals (case_id, version, hash, person_id, reviewer, title, institution, at) VALUES ($1, $2, $3, $4, '', '', '', $5)`, // names are the trigger's
		knowledge.ActorOf(ctx).Person, now)
}

var caseLockers = []knowledge.Role{knowledge.Expert, knowledge.Editor, knowledge.Publisher, knowledge.Administrator}

// LockCase ends the review of a signed case: only a new version can be reviewed from now on.
func (s *Store) LockCase(ctx context.Context, c cases.Case) error {
	return s.changeCase(ctx, c, knowledge.CaseLocked, nil, `
		UPDATE case_versions SET status = 'locked' WHERE case_id = $1 AND version = $2 AND hash = $3 AND status <> 'locked'`)
}

// changeCase runs one statement about one version of a case; its first three parameters are id, version and hash.
func (s *Store) changeCase(ctx context.Context, c cases.Case, action knowledge.Action, detail map[string]string, statement string, args ...any) error {
	err := s.change(ctx, func(tx pgx.Tx) error {
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, caseLockers); err != nil {
			return err
		}
		hash := caseHash(c)
		tag, err := tx.Exec(ctx, statement, append([]any{c.ID, c.Version, hash}, args...)...)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return &knowledge.Error{Code: knowledge.Conflict, Message: c.ID + "：用例改过了，或者已经锁定"}
		}
		event := knowledge.Event{Action: action, Version: c.Version, ContentHash: [32]byte(hash), Detail: map[string]string{"case": c.ID}}
		for k, v := range detail {
			event.Detail[k] = v
		}
		return s.auditor.Append(ctx, tx, event)
	})
	var known *knowledge.Error
	if errors.As(err, &known) {
		return err
	}
	return caseError(c.ID, err)
}

// LiveAnswers are the replies recorded since a time, and the questions that nothing vetted answered and that wait, newest first and at most
// limit of each; nothing of the readers.
func (s *Store) LiveAnswers(ctx context.Context, since time.Time, limit int) ([]cases.Live, error) {
	rows, err := s.pool.Query(ctx, `
		(SELECT a.message, r.channel, a.decision, a.urgent, a.live, a.useful, 0, a.at,
		        array(SELECT e.entry_id FROM answer_entries e WHERE e.answer_id = a.id AND e.quoted ORDER BY e.ordinal, e.entry_id), coalesce(f.verdict, ''), coalesce(f.topic, '')
		   FROM answers a JOIN readers r ON r.id = a.reader_id
		   LEFT JOIN LATERAL (
		       SELECT v.document ->> 'verdict' AS verdict, v.document ->> 'topic' AS topic FROM answer_entries e
		         JOIN entry_versions v ON v.entry_id = e.entry_id AND v.version = e.version
		        WHERE e.answer_id = a.id ORDER BY e.quoted DESC, e.ordinal, e.entry_id LIMIT 1) f ON true
		  WHERE a.at >= $1 AND a.message <> '' ORDER BY a.at DESC LIMIT $2)
		UNION ALL
		(SELECT q.words, '', 'abstain', '', '', NULL, q.asked, q.last_at, '{}', '', '' FROM questions q
		  WHERE q.last_at >= $1 AND q.entry_id IS NULL AND q.closed_at IS NULL ORDER BY q.last_at DESC LIMIT $2)`, since, limit)
	if err != nil {
		return nil, fmt.Errorf("look up recorded replies: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (l cases.Live, err error) {
		err = row.Scan(&l.Message, &l.Channel, &l.Decision, &l.Urgent, &l.Live, &l.Useful, &l.Asked, &l.At, &l.Entries, &l.Verdict, &l.Topic)
		return l, err
	})
}
