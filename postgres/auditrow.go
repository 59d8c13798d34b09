package postgres

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"qiuzhen/knowledge"
)

// auditRow is a row as the database holds it. Every column can be null or odd: a superuser may have dropped its constraints.
type auditRow struct {
	seq                                   *int64
	at                                    pgtype.Timestamptz
	actor, actorName, from, action, entry *string
	version                               *int32
	hash, detail, keyID, mac              []byte
}

const auditColumns = `seq, at, actor, actor_name, from_where, action, entry_id, version, content_hash, detail, key_id, mac`

func (r *auditRow) fields() []any {
	return []any{&r.seq, &r.at, &r.actor, &r.actorName, &r.from, &r.action, &r.entry, &r.version, &r.hash, &r.detail, &r.keyID, &r.mac}
}

func (a *Auditor) newRow(ctx context.Context, seq int64, e knowledge.Event) auditRow {
	actor := knowledge.ActorOf(ctx)
	detail := make(map[string]string, len(e.Detail))
	for name, text := range e.Detail {
		detail[storable(name)] = storable(text)
	}
	encoded, err := json.Marshal(detail)
	if err != nil {
		panic("postgres: strings do not marshal: " + err.Error())
	}
	row := auditRow{
		seq: &seq, at: pgtype.Timestamptz{Time: a.now().Truncate(time.Microsecond), Valid: true},
		actor: textOf(actor.ID), actorName: textOf(actor.Name), from: textOf(actor.From), action: textOf(string(e.Action)),
		detail: encoded, keyID: a.id,
	}
	if e.Entry != "" {
		row.entry = textOf(string(e.Entry))
	}
	if e.Version != 0 {
		version := int32(e.Version) //nolint:gosec // an integer column as well
		row.version = &version
	}
	if e.ContentHash != [32]byte{} {
		row.hash = e.ContentHash[:]
	}
	return row
}

func textOf(s string) *string {
	s = storable(s)
	return &s
}

// storable makes what comes from outside (an address, a browser's name) text that Postgres takes.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// sum is the row's MAC after the one before it.
func (r *auditRow) sum(key, previous []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write(previous)
	h.Write(r.canonical())
	return h.Sum(nil)
}

// canonical encodes the row without its MAC so that no two rows share an encoding: each field is there or not, and has its length.
func (r *auditRow) canonical() []byte {
	out := []byte("qiuzhen audit row 1\n")
	out = appendNumber(out, r.seq)
	out = append(out, byte(r.at.InfinityModifier), flag(r.at.Valid)) //nolint:gosec // -1, 0, 1
	micros := r.at.Time.UnixMicro()
	out = appendNumber(out, &micros)
	for _, text := range []*string{r.actor, r.actorName, r.from, r.action, r.entry} {
		if text == nil {
			out = append(out, 0)
			continue
		}
		out = appendField(out, []byte(*text))
	}
	out = appendNumber(out, r.version)
	if r.hash == nil {
		out = append(out, 0)
	} else {
		out = appendField(out, r.hash)
	}
	out = appendField(out, canonicalDetail(r.detail))
	return appendField(out, r.keyID)
}

func appendNumber[N int32 | int64](out []byte, n *N) []byte {
	if n == nil {
		return append(out, 0)
	}
	return binary.BigEndian.AppendUint64(append(out, 1), uint64(*n)) //nolint:gosec // the bits count
}

func appendField(out, field []byte) []byte {
	return append(binary.BigEndian.AppendUint64(append(out, 1), uint64(len(field))), field...)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// canonicalDetail encodes the object of strings in the order of its names; jsonb keeps neither blanks nor order. What is no such
// object was never written here and gets an encoding that none has.
func canonicalDetail(raw []byte) []byte {
	var detail map[string]*string
	if json.Unmarshal(raw, &detail) != nil || detail == nil {
		return append([]byte{0}, raw...)
	}
	out := []byte{1}
	for _, name := range slices.Sorted(maps.Keys(detail)) {
		if detail[name] == nil {
			return append([]byte{0}, raw...)
		}
		out = appendField(appendField(out, []byte(name)), []byte(*detail[name]))
	}
	return out
}
