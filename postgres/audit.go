package postgres

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"qiuzhen/knowledge"
)

// AuditConfig is what the audit chain needs besides the database.
type AuditConfig struct {
	Key      []byte           // at least 16 bytes, kept outside the database; nil: it is lost, and changes are refused
	HeadFile string           // where the chain's head is also kept
	Now      func() time.Time // nil: time.Now
	Warn     func(error)      // told when the head file cannot follow the chain; nil: nobody
}

// Auditor appends to the audit log: rows chained by HMAC, whose head is also kept in a file after each commit. A nil Auditor
// keeps no log. It is safe for concurrent use, and any number of processes may share the database and the file.
type Auditor struct {
	pool                *pgxpool.Pool
	rowKey, headKey, id []byte // derived from the key; nil when it is lost
	file                string
	now                 func() time.Time
	warn                func(error)
	syncing             chan struct{} // one at a time in this process, before the file's lock settles it among processes
	beforeSync          func()        // for tests: between a commit and the head file
}

// link is the chain up to a row: how many rows, and the MAC of the last.
type link struct {
	seq int64
	mac []byte
}

// genesis is what the first row follows.
func genesis() link { return link{0, make([]byte, sha256.Size)} }

func (l link) equal(other link) bool { return l.seq == other.seq && hmac.Equal(l.mac, other.mac) }

func newAuditor(pool *pgxpool.Pool, c AuditConfig) (*Auditor, error) {
	a := &Auditor{pool: pool, file: c.HeadFile, now: c.Now, warn: c.Warn, syncing: make(chan struct{}, 1)}
	if a.now == nil {
		a.now = time.Now
	}
	if a.warn == nil {
		a.warn = func(error) {}
	}
	if c.Key == nil {
		return a, nil
	}
	for use, into := range map[string]*[]byte{"audit row": &a.rowKey, "audit head": &a.headKey, "audit key id": &a.id} {
		derived, err := hkdf.Key(sha256.New, c.Key, nil, "qiuzhen "+use, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("derive the audit key: %w", err)
		}
		*into = derived
	}
	a.id = a.id[:8] // tells keys apart; guessing from it is as hard as from a MAC
	return a, nil
}

// StartAudit lets the store keep the audit log from now on, and brings the head file up to rows that a killed program
// committed without writing it. Call it before the store is used.
func (s *Store) StartAudit(ctx context.Context, c AuditConfig) error {
	a, err := newAuditor(s.pool, c)
	if err != nil {
		return err
	}
	s.auditor = a
	if err := a.SyncHead(ctx); err != nil {
		a.warn(err)
	}
	return ctx.Err()
}

// NewAuditor is an auditor of the store's database for looking at the log, without starting to keep it.
func (s *Store) NewAuditor(c AuditConfig) (*Auditor, error) { return newAuditor(s.pool, c) }

// AuditBegun reports whether the audit log holds a row or ever did.
func (s *Store) AuditBegun(ctx context.Context) (bool, error) { return auditBegun(ctx, s.pool) }

// Auditor is the one of StartAudit, or nil.
func (s *Store) Auditor() *Auditor { return s.auditor }

// change runs a transaction that the audit log tells of. do appends its event last: the chain's head stays locked from there to
// the commit. After the commit the head file follows.
func (s *Store) change(ctx context.Context, do func(tx pgx.Tx) error) error {
	if err := pgx.BeginFunc(ctx, s.pool, do); err != nil {
		return err
	}
	s.auditor.committed(ctx)
	return nil
}

// Append writes the event to the audit log in the transaction of the change itself: both are committed, or neither. Call it
// last, since other writers wait from here to the commit.
func (a *Auditor) Append(ctx context.Context, tx pgx.Tx, e knowledge.Event) error {
	if a == nil {
		return nil
	}
	_, err := a.append(ctx, tx, e, false)
	return err
}

// append is Append that returns the new head. anyKey also follows a row made with another key.
func (a *Auditor) append(ctx context.Context, tx pgx.Tx, e knowledge.Event, anyKey bool) (link, error) {
	if a.rowKey == nil {
		return link{}, &knowledge.Error{Code: knowledge.Unavailable,
			Message: "审计密钥不在，不能修改内容；把原来的密钥放回去（qiuzhen audit verify 会说放在哪里）"}
	}
	var head link
	var keyID []byte
	err := tx.QueryRow(ctx, `SELECT seq, mac, key_id FROM audit_head FOR UPDATE`).Scan(&head.seq, &head.mac, &keyID)
	if err != nil {
		return link{}, fmt.Errorf("lock the audit log: %w", err)
	}
	if keyID != nil && !hmac.Equal(keyID, a.id) && !anyKey {
		return link{}, &knowledge.Error{Code: knowledge.Unavailable,
			Message: "审计密钥与数据库里的审计记录不是一把，不能修改内容；请运行 qiuzhen audit verify"}
	}
	row := a.newRow(ctx, head.seq+1, e)
	mac := row.sum(a.rowKey, head.mac)
	_, err = tx.Exec(ctx, `
		INSERT INTO audit_log (seq, at, actor, actor_name, from_where, action, entry_id, version, content_hash, detail, key_id, mac)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		row.seq, row.at, row.actor, row.actorName, row.from, row.action, row.entry, row.version, row.hash, string(row.detail), row.keyID, mac)
	if err != nil {
		return link{}, fmt.Errorf("write the audit log: %w", err)
	}
	return link{head.seq + 1, mac}, nil
}

// Happened is the domain's.
type Happened = knowledge.Happened

// Done is a row of the audit log that is about an account, or by it.
type Done struct {
	At        time.Time
	Entry     knowledge.ID // empty: about no entry
	Version   int
	What, Who string
	From      string
	Detail    string // JSON
}

// History is everything that the audit log tells of an entry, oldest first.
func (s *Store) History(ctx context.Context, id knowledge.ID) ([]Happened, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT at, coalesce(version, 0), action, actor_name, from_where, detail::text FROM audit_log WHERE entry_id = $1 ORDER BY seq`, string(id))
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Happened])
}

// PersonHistory is everything that the audit log tells of an account: what was done to it, and what it did. Oldest first.
func (s *Store) PersonHistory(ctx context.Context, login string) ([]Done, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT at, coalesce(entry_id, ''), coalesce(version, 0), action, actor_name, from_where, detail::text FROM audit_log
		 WHERE actor = $1 AND actor <> 'system' OR detail ? 'person' AND detail ->> 'person' = $1
		 ORDER BY seq`, login)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Done])
}
