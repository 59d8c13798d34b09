package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
	"qiuzhen/sensing"
	"qiuzhen/text"
)

// look gathers what is judged now. Only a series with enough readers to be a surge has its past read.
func (s *Store) look(ctx context.Context, now time.Time) (l sensing.Look, err error) {
	l = sensing.Look{Now: now}
	if err := s.windows(ctx, &l); err != nil || len(l.Series) == 0 {
		return l, err
	}
	from := now.Add(-sensing.Past)
	for i := range l.Series {
		if l.Series[i].Past, err = s.hours(ctx, l.Series[i].Topic, l.Series[i].Where, from); err != nil {
			return l, err
		}
	}
	if l.All.Past, err = s.hours(ctx, 0, sensing.Everywhere, from); err != nil {
		return l, err
	}
	err = s.pool.QueryRow(ctx, `
		SELECT (SELECT min(hour) FROM sensing_hours),
		       (SELECT count(*) FROM (SELECT FROM sensing_hours WHERE hour > $1
		         GROUP BY GROUPING SETS ((topic, county), (topic)) HAVING sum(readers) >= $2 AND (GROUPING (county) = 1 OR county <> '')) t)`,
		from, sensing.Hidden).Scan(&l.Since, &l.Tests)
	if err != nil {
		return l, err
	}
	rows, err := s.pool.Query(ctx, `SELECT id, topic, county, began_at, found_at, last_at, readers FROM sensing_surges WHERE last_at > $1`, from)
	if err != nil {
		return l, err
	}
	l.Surges, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (f sensing.Surge, err error) {
		return f, row.Scan(&f.ID, &f.Topic, &f.Where, &f.From, &f.Found, &f.Last, &f.Readers)
	})
	return l, err
}

// windows counts the readers of each topic in the windows that end now, by county and everywhere.
func (s *Store) windows(ctx context.Context, l *sensing.Look) error {
	rows, err := s.pool.Query(ctx, `
		SELECT topic, county, GROUPING (county) = 1,
		       count(DISTINCT reader) FILTER (WHERE at > $2), count(DISTINCT reader),
		       count(DISTINCT reader) FILTER (WHERE at > $2 AND county <> ''), count(DISTINCT reader) FILTER (WHERE county <> '')
		  FROM (SELECT coalesce(t.part_of, t.id) AS topic, a.at, a.reader_id AS reader, coalesce(r.wishes -> 'sent' ->> 'county', '') AS county
		          FROM answers a JOIN sensing_topics t ON t.id = a.topic JOIN readers r ON r.id = a.reader_id WHERE a.at > $3 AND a.at <= $1) a
		 GROUP BY GROUPING SETS ((topic, county), (topic))`, l.Now, l.Now.Add(-sensing.Windows[0]), l.Now.Add(-sensing.Windows[1]))
	if err != nil {
		return err
	}
	var f sensing.Series
	var county *string
	var everywhere bool
	_, err = pgx.ForEachRow(rows, []any{&f.Topic, &county, &everywhere, &f.Windows[0], &f.Windows[1], &f.Placed[0], &f.Placed[1]}, func() error {
		if everywhere {
			l.All.Windows[0] += f.Windows[0]
			l.All.Windows[1] += f.Windows[1]
			f.Where = sensing.Everywhere
		} else if f.Where = sensing.Where(*county); *county == "" { // who did not tell is no place
			return nil
		}
		if f.Windows[1] >= sensing.Hidden {
			l.Series = append(l.Series, f)
		}
		return nil
	})
	return err
}

// hours are those of a topic, or of all (0), in which anybody asked.
func (s *Store) hours(ctx context.Context, topic int64, where sensing.Where, from time.Time) ([]sensing.Hour, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT hour, sum(readers)::integer FROM sensing_hours
		 WHERE hour > $3 AND ($1 = 0 OR topic IN (SELECT id FROM sensing_topics WHERE id = $1 OR part_of = $1)) AND ($2 = '' OR county = $2) GROUP BY hour`, topic, string(where), from)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[sensing.Hour])
}

// mostExamples are shown of a surge, each cut at longestExample characters.
const mostExamples, longestExample = 5, 80

// Surges are those of the last weeks that nobody has taken up, the newest first; all: the others too.
func (s *Store) Surges(ctx context.Context, now time.Time, all bool) ([]sensing.Notice, error) {
	return s.surges(ctx, `f.found_at >= $2 AND ($3 OR f.seen_at IS NULL)`, now, now.Add(-sensing.Past), all)
}

// SurgeNotice is one of them.
func (s *Store) SurgeNotice(ctx context.Context, id int64, now time.Time) (sensing.Notice, error) {
	found, err := s.surges(ctx, `f.id = $2`, now, id)
	if err == nil && len(found) == 0 {
		err = &knowledge.Error{Code: knowledge.NotFound, Message: fmt.Sprintf("没有第%d号舆情提醒", id)}
	}
	if err != nil {
		return sensing.Notice{}, err
	}
	return found[0], nil
}

// surges reads them with their examples. A draft
// that was published since is what answers it. An example is what several asked before what one did; there is none while fewer than five readers of
// the surge are kept.
func (s *Store) surges(ctx context.Context, condition string, arguments ...any) ([]sensing.Notice, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT f.id, f.topic, f.county, f.mainly, f.began_at, f.found_at, f.last_at, f.readers, f.usual, f.chance, 
		       CASE WHEN t.entry_id IS NOT NULL OR v.status = 'published' THEN coalesce(t.entry_id, t.draft) ELSE '' END, coalesce(t.draft, ''),
		       coalesce(v.document ->> 'title', ''), coalesce(v.status = 'published' AND v.expires_at > $1, false), f.seen_at, coalesce(p.name, ''),
		       CASE WHEN x.readers >= 5 THEN x.messages ELSE '{}' END
		  FROM sensing_surges f JOIN sensing_topics t ON t.id = f.topic
		  LEFT JOIN people p ON p.id = f.seen_by
		  LEFT JOIN LATERAL (SELECT document, status, expires_at FROM entry_versions WHERE entry_id = coalesce(t.entry_id, t.draft)
		                      ORDER BY status = 'published' DESC, version DESC LIMIT 1) v ON true
		  CROSS JOIN LATERAL (
		    WITH asked AS (
		      SELECT a.message, a.reader_id FROM answers a JOIN readers r ON r.id = a.reader_id
		       WHERE a.topic IN (SELECT id FROM sensing_topics WHERE id = f.topic OR part_of = f.topic) AND a.at > f.began_at AND a.at <= f.last_at
		         AND (f.county = '' OR r.wishes -> 'sent' ->> 'county' = f.county))
		    SELECT (SELECT count(DISTINCT reader_id) FROM asked) AS readers,
		           (SELECT coalesce(array_agg(message ORDER BY n DESC, message), '{}')
		              FROM (SELECT message, count(DISTINCT reader_id) AS n FROM asked GROUP BY message) m) AS messages) x
		 WHERE `+condition+` ORDER BY f.found_at DESC, f.id DESC LIMIT 200`, arguments...) //nolint:gosec // one of two constants
	if err != nil {
		return nil, fmt.Errorf("read the surges: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n sensing.Notice, err error) {
		var messages []string
		err = row.Scan(&n.ID, &n.Topic, &n.Where, &n.Mainly, &n.From, &n.Found, &n.Last, &n.Readers, &n.Usual, &n.Chance, &n.Entry, &n.Draft, &n.Title, &n.Serves, &n.Seen, &n.SeenBy, &messages)
		for _, m := range messages[:min(len(messages), mostExamples)] {
			n.Examples = append(n.Examples, example(m))
		}
		return n, err
	})
}

// example is a message as it is shown: on one line, without what turns its text around or a terminal obeys, and masked again, should a rule be newer than
// the message. Entries are begun of these.
func example(message string) string {
	out := make([]rune, 0, longestExample)
	for _, c := range text.Mask(knowledge.Sayable(message)) {
		if len(out) == longestExample {
			return string(out) + "…"
		}
		if c == '\n' {
			c = ' '
		}
		out = append(out, c)
	}
	return string(out)
}

// whoSenses may take a surge up.
var whoSenses = []knowledge.Role{knowledge.Author, knowledge.Editor, knowledge.Publisher}

// SeeSurge notes that somebody has taken a surge up: it is on nobody's list any more.
func (s *Store) SeeSurge(ctx context.Context, id int64, now time.Time) error {
	return s.change(ctx, func(tx pgx.Tx) error {
		by := knowledge.ActorOf(ctx).Person
		if err := mayDo(ctx, tx, by, whoSenses); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, `
			UPDATE sensing_surges SET seen_at = greatest(found_at, $2::timestamptz), seen_by = nullif($3::bigint, 0) WHERE id = $1 AND seen_at IS NULL`, id, now, by)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("第%d号舆情提醒已经有人处理，或者没有这一号", id)}
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{Action: knowledge.SurgeSeen, Detail: map[string]string{"surge": strconv.FormatInt(id, 10)}})
	})
}

// DraftOfSurge begins an entry about what a surge asks, with its wordings as claims; the one that was begun before stays as it is. An entry that
// answers it already is not begun again.
func (s *Store) DraftOfSurge(ctx context.Context, id int64, now time.Time) (knowledge.ID, error) {
	n, err := s.SurgeNotice(ctx, id, now)
	if err != nil {
		return "", err
	}
	if n.Entry != "" {
		return "", &knowledge.Error{Code: knowledge.Conflict, Message: fmt.Sprintf("已有条目 %s，请改它，或者用它播发", n.Entry)}
	}
	if n.Draft != "" {
		return n.Draft, nil
	}
	e, err := n.Begin()
	if err != nil {
		return "", err
	}
	hash := e.Hash()
	err = s.change(ctx, func(tx pgx.Tx) error {
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, []knowledge.Role{knowledge.Author, knowledge.Editor}); err != nil {
			return err
		}
		var draft string // locked: two who begin at once begin one
		if err := tx.QueryRow(ctx, `SELECT coalesce(draft, '') FROM sensing_topics WHERE id = $1 FOR UPDATE`, n.Topic).Scan(&draft); err != nil {
			return err
		}
		if draft != "" {
			e.ID = knowledge.ID(draft)
			return nil
		}
		version, _, err := nextVersion(ctx, tx, e.ID, hash)
		if err != nil {
			return err
		}
		if err := insertVersion(ctx, tx, e, hash, version, false, written); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE sensing_topics SET draft = $2 WHERE id = $1`, n.Topic, string(e.ID)); err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{
			Action: knowledge.DraftSaved, Entry: e.ID, Version: version, ContentHash: hash, Detail: map[string]string{"surge": strconv.FormatInt(id, 10)},
		})
	})
	if err != nil {
		return "", fmt.Errorf("begin an entry on surge %d: %w", id, err)
	}
	return e.ID, nil
}
