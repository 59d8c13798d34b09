package postgres_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/bundle"
	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
	"qiuzhen/retrieval"
)

// city is one that shares: a store with its audit log, a staff and a key.
type city struct {
	*postgres.Store
	staff
	dsn   string
	key   ed25519.PrivateKey
	admin context.Context // trusts other cities
}

func newCity(t *testing.T, seed byte) city {
	t.Helper()
	dsn := postgrestest.DSN(t)
	store := audited(t, dsn, filepath.Join(t.TempDir(), "head"), auditKey, nil)
	people := hire(t, store)
	id, err := store.AddPerson(context.Background(), knowledge.Person{
		Login: "admin", Name: "管理员", Institution: "某单位", Roles: []knowledge.Role{knowledge.Administrator},
	}, goodPassword)
	if err != nil {
		t.Fatal(err)
	}
	admin := knowledge.WithActor(context.Background(), knowledge.Actor{Person: id, ID: "admin", Name: "管理员", From: "test"})
	return city{store, people, dsn, ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32)), admin}
}

func (c city) publish(t *testing.T, e knowledge.Entry, at time.Time) {
	t.Helper()
	version := submit(t, c.Store, c.staff, e, onePassage())
	for _, by := range []struct {
		ctx  context.Context
		role knowledge.Role
	}{{c.expert, knowledge.Expert}, {c.editor, knowledge.Editor}} {
		err := c.Sign(by.ctx, postgres.Signature{Entry: e.ID, Version: version, Hash: e.Hash(), Role: by.role, Decision: "approve", At: at})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Publish(c.publisher, e.ID, false, at); err != nil {
		t.Fatal(err)
	}
}

// share is a bundle of all that the city publishes.
func (c city) share(t *testing.T, at time.Time) *bundle.Bundle {
	t.Helper()
	return c.shareOf(t, at, postgres.Selection{})
}

func (c city) shareOf(t *testing.T, at time.Time, which postgres.Selection) *bundle.Bundle {
	t.Helper()
	var out bytes.Buffer
	w := bundle.NewWriter(&out)
	m := bundle.Manifest{City: "南通市科协", Created: at, Program: "test"}
	var err error
	if m.Withdrawn, err = c.Export(context.Background(), which, at, w.Add); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(m, c.key); err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(bytes.NewReader(out.Bytes()), int64(out.Len()), at)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// take reads a bundle in as the program does, its key trusted, and returns what was done.
func (c city) take(t *testing.T, b *bundle.Bundle) map[knowledge.ID]bundle.Action {
	t.Helper()
	did, err := c.tryTake(b, true)
	if err != nil {
		t.Fatal(err)
	}
	return did
}

func (c city) tryTake(b *bundle.Bundle, trust bool) (map[knowledge.ID]bundle.Action, error) {
	ctx, did := c.admin, map[knowledge.ID]bundle.Action{}
	var ids []knowledge.ID
	for _, i := range b.Entries {
		ids = append(ids, i.ID)
	}
	for _, t := range b.Withdrawn {
		ids = append(ids, t.ID)
	}
	held, err := c.HeldOf(ctx, b.Key, ids)
	if err != nil {
		return nil, err
	}
	receipt := postgres.BundleReceipt{Bundle: b, Trust: trust, At: now}
	for _, i := range b.Entries {
		if did[i.ID] = held[i.ID].Take(i); did[i.ID] == bundle.Remember {
			receipt.Entries = append(receipt.Entries, i)
		}
	}
	for _, t := range b.Withdrawn {
		if did[t.ID] = held[t.ID].TakeBack(t); did[t.ID] == bundle.Remember {
			receipt.Withdrawn = append(receipt.Withdrawn, t)
		}
	}
	number, err := c.BeginBundle(ctx, receipt)
	if err != nil {
		return nil, err
	}
	for _, i := range b.Entries {
		if did[i.ID] != bundle.New && did[i.ID] != bundle.Changed && did[i.ID] != bundle.Signed {
			continue
		}
		e, err := b.Document(i)
		if err != nil {
			return nil, err
		}
		if did[i.ID], err = c.TakeEntry(ctx, number, b.Key, i, e, onePassage(), ""); err != nil {
			return nil, err
		}
	}
	for _, t := range b.Withdrawn {
		if did[t.ID] == bundle.Withdraw || did[t.ID] == bundle.Kept {
			if did[t.ID], err = c.TakeBack(ctx, b.Key, b.City, t); err != nil {
				return nil, err
			}
		}
	}
	return did, nil
}

// rows counts those of every table.
func (c city) rows(t *testing.T) map[string]int64 {
	t.Helper()
	conn := connect(t, context.Background(), c.dsn)
	defer conn.Close(context.Background())
	counts := map[string]int64{}
	rows, err := conn.Query(context.Background(), `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names { // xmin too: an update is a write
		var n, newest int64
		err := conn.QueryRow(context.Background(), `SELECT count(*), coalesce(max(xmin::text::bigint), 0) FROM `+pgx.Identifier{name}.Sanitize()).Scan(&n, &newest)
		if err != nil {
			t.Fatal(err)
		}
		counts[name], counts[name+" xmin"] = n, newest
	}
	return counts
}

func (c city) served(t *testing.T, id knowledge.ID, version int, at time.Time) *retrieval.Stored {
	t.Helper()
	loaded, err := c.Load(context.Background(), []retrieval.Ref{{ID: id, Version: version}}, false, at)
	if err != nil {
		t.Fatal(err)
	}
	if len(loaded) == 0 {
		return nil
	}
	return &loaded[0]
}

func (c city) status(t *testing.T, id knowledge.ID) string {
	t.Helper()
	v, err := c.Version(context.Background(), id, 0)
	if err != nil {
		t.Fatal(err)
	}
	return v.StatusLine()
}

func health(id string, n int) knowledge.Entry {
	e := entry(id, n)
	e.Topic = knowledge.Health
	return e
}

func (c city) signAndPublish(t *testing.T, id knowledge.ID, version int) {
	t.Helper()
	if _, err := c.Submit(c.author, id); err != nil {
		t.Fatal(err)
	}
	v, err := c.Version(context.Background(), id, version)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(sign(c.expert, c.Store, v.Entry, version, knowledge.Expert, "approve"), sign(c.editor, c.Store, v.Entry, version, knowledge.Editor, "approve"),
		c.Publish(c.publisher, id, false, now))
	if err != nil {
		t.Fatal(err)
	}
}
