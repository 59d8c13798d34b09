package postgres_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"qiuzhen/knowledge"
	"qiuzhen/postgres"
	"qiuzhen/postgres/postgrestest"
)

// TestEmergencyOfTheReviewed: what has its signatures is published on them, also by who asks for an emergency, and lapses as such; what has not is one
// until the signature that completes it. The database holds both.
func TestEmergencyOfTheReviewed(t *testing.T) {
	year, dayAfter := now.AddDate(1, 0, 0), now.Add(24*time.Hour)
	for _, c := range []struct {
		name          string
		before, after []knowledge.Role // who signed before it was published, and then
		emergency     bool
		until         time.Time
		told          string // of the publication, in the audit log
	}{
		{"two publishers", []knowledge.Role{knowledge.Publisher}, nil, true, dayAfter, "true"},
		{"and one of two reviewers", []knowledge.Role{knowledge.Publisher, knowledge.Expert}, nil, true, dayAfter, "true"},
		{"reviewed as well", []knowledge.Role{knowledge.Publisher, knowledge.Expert, knowledge.Editor}, nil, false, year, "false"},
		{"reviewed, no publisher signed", []knowledge.Role{knowledge.Expert, knowledge.Editor}, nil, false, year, "false"},
		{"reviewed afterwards", []knowledge.Role{knowledge.Publisher}, []knowledge.Role{knowledge.Expert, knowledge.Editor}, false, year, "true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dsn := postgrestest.DSN(t)
			store := audited(t, dsn, filepath.Join(t.TempDir(), "audit.head"), auditKey, nil)
			s := hire(t, store)
			e := entry("one", 1)
			e.Topic = knowledge.Disaster
			version := submit(t, store, s, e, onePassage())
			signs := func(role knowledge.Role) error {
				switch role {
				case knowledge.Expert:
					return sign(s.expert, store, e, version, role, "approve")
				case knowledge.Editor:
					return sign(s.editor, store, e, version, role, "approve")
				}
				return errors.Join(sign(s.publisher, store, e, version, role, "approve"), sign(s.publisher2, store, e, version, role, "approve"))
			}
			for _, role := range c.before {
				if err := signs(role); err != nil {
					t.Fatal(err)
				}
			}
			if err := store.Publish(s.publisher, "one", true, now); err != nil {
				t.Fatal(err)
			}
			for _, role := range c.after {
				if err := signs(role); err != nil {
					t.Fatal(err)
				}
			}
			v, err := store.Version(t.Context(), "one", 1)
			if err != nil || v.Status != knowledge.Published || v.Emergency != c.emergency || v.ExpiresAt == nil || !v.ExpiresAt.Equal(c.until) {
				t.Errorf("%s, emergency %t, until %v (%v); want %t until %v", v.Status, v.Emergency, v.ExpiresAt, err, c.emergency, c.until)
			}
			if got := lines(t, dsn, `SELECT detail ->> 'emergency' FROM audit_log WHERE action = 'entry.published'`); !slices.Equal(got, []string{c.told}) {
				t.Errorf("the log says emergency %v", got)
			}
			if c.emergency {
				return
			}
			_, err = connect(t, t.Context(), dsn).Exec(t.Context(), `UPDATE entry_versions SET emergency = true WHERE entry_id = 'one'`)
			if postgres.Constraint(err) != "version_emergency_lacks_reviews" {
				t.Errorf("made an emergency of the reviewed: %v", err)
			}
		})
	}
}
