package postgres

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// BreakKind says what is wrong at a place of the audit log.
type BreakKind string

// What Verify finds.
const (
	RowsChanged  BreakKind = "changed"       // the rows do not have the MACs that the key gives them
	RowsForeign  BreakKind = "foreign_key"   // they say that another key made their MACs
	RowsMissing  BreakKind = "missing"       // between rows that are there
	RowsExtra    BreakKind = "extra"         // a number twice, none, or below 1
	RowsCutOff   BreakKind = "cut_off"       // the head file knows of rows after the last
	TailReplaced BreakKind = "tail_replaced" // the row that the head file knows is another one
	HeadRowWrong BreakKind = "head_row"      // audit_head does not name the last row
	FileMissing  BreakKind = "file_missing"
	FileChanged  BreakKind = "file_changed" // or sealed with another key
)

// Break is one place where the audit log is not what was written, rows From to To (0: about no row).
type Break struct {
	Kind     BreakKind
	From, To int64
}

// AcceptedRestore is an earlier --accept-restore: not a break, but what a reader of the log must know of.
type AcceptedRestore struct {
	Seq    int64
	Name   string
	From   string
	Detail string
}

// AuditReport is what Verify found.
type AuditReport struct {
	Rows      int64
	MAC       string // of the last row, in hex
	Broken    []Break
	Behind    int64 // rows after the one in the head file: committed by a program that was killed before it wrote the file
	FileCount int64 // rows that the head file vouches for, where it can be read
	Accepted  []AcceptedRestore
}

// RowsWrong reports whether the rows themselves are not what was written: more than a head file that disagrees with them, as one
// does after an older backup was restored.
func (r AuditReport) RowsWrong() bool {
	return slices.ContainsFunc(r.Broken, func(b Break) bool {
		return b.Kind != RowsCutOff && b.Kind != TailReplaced && b.Kind != FileMissing && b.Kind != FileChanged
	})
}

// Verify reads the whole log, against the key and the head file. It changes nothing.
func (a *Auditor) Verify(ctx context.Context) (report AuditReport, err error) {
	if a.rowKey == nil {
		return report, errors.New("the audit key is missing, so nothing can be verified; put it back: qiuzhen audit verify says where")
	}
	head, fileErr := a.readHead() // before the rows: it never tells of a row that is not committed yet
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, a.pool, options, func(tx pgx.Tx) error {
		report, err = a.verify(ctx, tx, head, fileErr)
		return err
	})
	return report, err
}

// verify checks rows, head row and head file as one transaction sees them.
func (a *Auditor) verify(ctx context.Context, tx pgx.Tx, head link, fileErr error) (AuditReport, error) {
	v := verification{auditor: a, last: genesis(), file: head, met: fileErr == nil && head.equal(genesis())}
	rows, err := tx.Query(ctx, `SELECT `+auditColumns+` FROM audit_log ORDER BY seq NULLS FIRST, mac`)
	if err != nil {
		return v.report, fmt.Errorf("read the audit log: %w", err)
	}
	var row auditRow
	if _, err := pgx.ForEachRow(rows, row.fields(), func() error { v.row(&row); return nil }); err != nil {
		return v.report, fmt.Errorf("read the audit log: %w", err)
	}
	heads, err := tx.Query(ctx, `SELECT coalesce(seq, -1), mac, key_id FROM audit_head`)
	if err != nil {
		return v.report, fmt.Errorf("read the audit log's head: %w", err)
	}
	if err := v.headRow(heads); err != nil {
		return v.report, fmt.Errorf("read the audit log's head: %w", err)
	}
	v.headFile(fileErr)
	v.report.Rows, v.report.MAC = v.count, hex.EncodeToString(v.last.mac)
	return v.report, nil
}

// verification goes over the rows in order.
type verification struct {
	auditor *Auditor
	report  AuditReport
	count   int64
	last    link // as stored: a break is reported where it is, not at every row after it
	keyID   []byte
	file    link
	met     bool // the row that the head file knows was seen
}

func (v *verification) row(r *auditRow) {
	v.count++
	if r.seq == nil || *r.seq <= v.last.seq {
		v.broken(RowsExtra, valueOr(r.seq, 0), valueOr(r.seq, 0))
		return
	}
	seq := *r.seq
	if seq > v.last.seq+1 {
		v.broken(RowsMissing, v.last.seq+1, seq-1)
	}
	switch {
	case hmac.Equal(r.mac, r.sum(v.auditor.rowKey, v.last.mac)):
		v.accepted(r)
	case !hmac.Equal(r.keyID, v.auditor.id):
		v.broken(RowsForeign, seq, seq)
	case seq == v.last.seq+1: // else the missing row before it says it all
		v.broken(RowsChanged, seq, seq)
	}
	v.last, v.keyID = link{seq, r.mac}, r.keyID
	v.met = v.met || v.last.equal(v.file)
}

// broken notes a break, as one with the one before it where it goes on.
func (v *verification) broken(kind BreakKind, from, to int64) {
	if n := len(v.report.Broken); n > 0 {
		if b := &v.report.Broken[n-1]; b.Kind == kind && b.To+1 == from {
			b.To = to
			return
		}
	}
	v.report.Broken = append(v.report.Broken, Break{kind, from, to})
}

func (v *verification) accepted(r *auditRow) {
	if valueOr(r.action, "") == string(knowledge.RestoreAccepted) {
		v.report.Accepted = append(v.report.Accepted,
			AcceptedRestore{*r.seq, valueOr(r.actorName, ""), valueOr(r.from, ""), string(r.detail)})
	}
}

// headRow compares audit_head with the last row.
func (v *verification) headRow(rows pgx.Rows) error {
	var head link
	var keyID []byte
	right := 0
	tag, err := pgx.ForEachRow(rows, []any{&head.seq, &head.mac, &keyID}, func() error {
		if head.equal(v.last) && hmac.Equal(keyID, v.keyID) {
			right++
		}
		return nil
	})
	if err == nil && (right != 1 || tag.RowsAffected() != 1) {
		v.broken(HeadRowWrong, 0, 0)
	}
	return err
}

func (v *verification) headFile(err error) {
	switch {
	case errors.Is(err, errHeadMissing) && v.last.seq == 0: // nothing has begun yet
	case errors.Is(err, errHeadMissing):
		v.broken(FileMissing, 0, 0)
	case err != nil:
		v.broken(FileChanged, 0, 0)
	case v.file.seq > v.last.seq:
		v.broken(RowsCutOff, v.last.seq+1, v.file.seq)
	case !v.met:
		v.broken(TailReplaced, v.file.seq, v.file.seq)
	default:
		v.report.Behind = v.last.seq - v.file.seq
	}
	v.report.FileCount = v.file.seq
}

func valueOr[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}

// AcceptRestore takes the database as it is for the truth that the head file follows from now on: after an older backup was
// restored, on a machine that had no head file yet, with a new key, or after a break was looked into. A row of the log tells of it for ever, with what the
// report found; broken rows stay broken.
func (a *Auditor) AcceptRestore(ctx context.Context, report AuditReport) error {
	detail := map[string]string{
		"rows": strconv.FormatInt(report.Rows, 10), "file": strconv.FormatInt(report.FileCount, 10),
		"breaks": strconv.Itoa(len(report.Broken)),
	}
	if len(report.Broken) > 0 {
		b := report.Broken[len(report.Broken)-1] // of the file, where it disagrees
		detail["last"] = fmt.Sprintf("%s %d-%d", b.Kind, b.From, b.To)
	}
	return a.locked(ctx, func() error {
		var head link
		err := pgx.BeginFunc(ctx, a.pool, func(tx pgx.Tx) (err error) {
			head, err = a.append(ctx, tx, knowledge.Event{Action: knowledge.RestoreAccepted, Detail: detail}, true)
			return err
		})
		if err != nil {
			return err
		}
		return a.writeHead(head)
	})
}
