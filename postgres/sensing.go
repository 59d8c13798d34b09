package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
	"qiuzhen/sensing"
)

const (
	// sensingLock is "qz sense" in ASCII: one program at a time sorts and judges.
	sensingLock int64 = 0x717a2073656e7365
	// sensingBatch is how many answers are sorted in one transaction.
	sensingBatch = 500
	// leadersFor is how long a topic without an entry is compared with after it was last asked about, and mostLeaders how many are.
	leadersFor, mostLeaders = 14 * 24 * time.Hour, 5000
	// hoursKept is how long the counts are kept: as long as the usual level looks back, twice.
	hoursKept = 2 * sensing.Past
)

// Sense sorts what was asked since the last time into topics and files the surges that begin now; it returns how many. Another program that is at
// it already does it alone. The embedder may be nil.
func (s *Store) Sense(ctx context.Context, now time.Time, embedder sensing.Embedder) (filed int, err error) {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	var mine bool
	if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, sensingLock).Scan(&mine); err != nil || !mine {
		return 0, err
	}
	defer func() { // whatever ended the work
		_, unlock := conn.Exec(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, sensingLock)
		err = errors.Join(err, unlock)
	}()
	clusters, err := s.clusters(ctx, now, embedder)
	if err == nil {
		err = s.sortAnswers(ctx, now, clusters)
	}
	if err != nil {
		return 0, fmt.Errorf("sort what was asked: %w", err)
	}
	if filed, err = s.fileSurges(ctx, now, clusters); err != nil {
		return filed, fmt.Errorf("look for surges: %w", err)
	}
	return filed, s.ageTopics(ctx, now)
}

// sortAnswers gives each answer that has none yet its topic, a batch a transaction.
func (s *Store) sortAnswers(ctx context.Context, now time.Time, clusters *sensing.Clusters) error {
	for {
		var n int
		err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
			messages, err := unsensed(ctx, tx, now)
			if n = len(messages); err != nil || n == 0 {
				return err
			}
			topics := make([]int64, n)
			for i, m := range messages {
				if topics[i], err = topicOf(ctx, tx, clusters, m); err != nil {
					return err
				}
			}
			return keepTopics(ctx, tx, messages, topics)
		})
		if err != nil || n < sensingBatch {
			return err
		}
	}
}

// clusters are the topics as they stand. A topic without an entry is known by the first message of it that is still kept.
func (s *Store) clusters(ctx context.Context, now time.Time, embedder sensing.Embedder) (*sensing.Clusters, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT id, entry_id, 0, CASE WHEN id IN (SELECT topic FROM sensing_surges WHERE last_at > $3)
		         THEN coalesce((SELECT message FROM answers WHERE topic = t.id ORDER BY at DESC LIMIT 1), '') ELSE '' END
		  FROM sensing_topics t WHERE entry_id IS NOT NULL
		UNION ALL
		(SELECT t.id, '', coalesce(t.part_of, 0), a.message FROM sensing_topics t
		   CROSS JOIN LATERAL (SELECT message FROM answers WHERE topic = t.id ORDER BY at LIMIT 1) a
		  WHERE t.entry_id IS NULL AND t.last_at > $1 ORDER BY t.last_at DESC LIMIT $2)
		 ORDER BY 1`, now.Add(-leadersFor), mostLeaders, now.Add(-sensing.CoolDown))
	if err != nil {
		return nil, err
	}
	topics, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (t sensing.Topic, err error) {
		return t, row.Scan(&t.ID, &t.Entry, &t.PartOf, &t.Words)
	})
	return sensing.NewClusters(topics, embedder), err
}

// unsensed locks a batch of answers that have not been sorted.
func unsensed(ctx context.Context, tx pgx.Tx, now time.Time) ([]sensing.Message, error) {
	rows, err := tx.Query(ctx, `
		SELECT a.id, a.at, a.reader_id, a.message, coalesce(e.entry_id, '') FROM answers a
		  LEFT JOIN LATERAL (SELECT entry_id FROM answer_entries WHERE answer_id = a.id ORDER BY quoted DESC, ordinal LIMIT 1) e ON true
		 WHERE NOT a.sensed AND a.at <= $1 ORDER BY a.id LIMIT $2 FOR UPDATE OF a SKIP LOCKED`, now, sensingBatch)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (m sensing.Message, err error) {
		return m, row.Scan(&m.ID, &m.At, &m.Reader, &m.Text, &m.Entry)
	})
}

// topicOf finds the message's topic, or begins one; 0 for what is about nothing, as is what was sent to a reader without being asked.
func topicOf(ctx context.Context, tx pgx.Tx, clusters *sensing.Clusters, m sensing.Message) (topic int64, err error) {
	if m.Text == "" {
		return 0, nil
	}
	topic, about, err := clusters.Find(ctx, m)
	if err != nil || topic != 0 || !about {
		return topic, err
	}
	err = tx.QueryRow(ctx, `
		INSERT INTO sensing_topics AS t (entry_id, last_at) VALUES (nullif($1, ''), $2)
		ON CONFLICT (entry_id) DO UPDATE SET last_at = greatest(t.last_at, excluded.last_at) RETURNING id`, string(m.Entry), m.At).Scan(&topic)
	if err == nil {
		t := sensing.Topic{ID: topic, Entry: m.Entry}
		if m.Entry == "" {
			t.Words = m.Text
		}
		clusters.Add(t)
	}
	return topic, err
}

// keepTopics writes the batch's topics, and counts the readers of their hours anew: what is forgotten later stays counted.
func keepTopics(ctx context.Context, tx pgx.Tx, messages []sensing.Message, topics []int64) error {
	ids, hours := make([]int64, len(messages)), make([]time.Time, len(messages))
	for i, m := range messages {
		ids[i], hours[i] = m.ID, m.At.Truncate(time.Hour)
	}
	if _, err := tx.Exec(ctx, `
		UPDATE answers a SET sensed = true, topic = nullif(n.topic, 0) FROM unnest($1::bigint[], $2::bigint[]) n (id, topic) WHERE a.id = n.id`, ids, topics); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `
		INSERT INTO sensing_hours AS h (topic, county, hour, readers)
		SELECT n.topic, coalesce(r.wishes -> 'sent' ->> 'county', ''), n.hour, count(DISTINCT r.id)
		  FROM (SELECT DISTINCT * FROM unnest($1::bigint[], $2::timestamptz[]) n (topic, hour) WHERE topic <> 0) n
		  JOIN answers a ON a.topic = n.topic AND a.at >= n.hour AND a.at < n.hour + interval '1 hour'
		  JOIN readers r ON r.id = a.reader_id
		 GROUP BY 1, 2, 3
		ON CONFLICT (topic, county, hour) DO UPDATE SET readers = greatest(h.readers, excluded.readers)`, topics, hours); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `
		UPDATE sensing_topics t SET last_at = greatest(t.last_at, n.at)
		  FROM (SELECT topic, max(at) AS at FROM unnest($1::bigint[], $2::timestamptz[]) u (topic, at) GROUP BY topic) n WHERE t.id = n.topic`, topics, hours)
	return err
}

// fileSurges judges what is asked now and files what begins; each surge is a transaction of its own.
func (s *Store) fileSurges(ctx context.Context, now time.Time, clusters *sensing.Clusters) (filed int, err error) {
	look, err := s.look(ctx, now)
	if err != nil || len(look.Series) == 0 {
		return 0, err
	}
	v := look.Judge()
	if err := s.goOn(ctx, now, v); err != nil {
		return 0, err
	}
	for _, surge := range v.Begin {
		kin, told, err := clusters.Told(ctx, surge, look.Surges)
		if err == nil && kin != 0 {
			err = s.joinTopics(ctx, surge.Topic, kin)
		}
		if err != nil {
			return filed, err
		}
		if told {
			continue
		}
		if err := s.fileSurge(ctx, surge); err != nil {
			return filed, err
		}
		filed++
		look.Surges = append(look.Surges, surge)
	}
	return filed, nil
}

// goOn notes what open surges have become.
func (s *Store) goOn(ctx context.Context, now time.Time, v sensing.Verdict) error {
	_, err := s.pool.Exec(ctx, `UPDATE sensing_surges SET last_at = greatest(last_at, $2) WHERE id = ANY ($1)`, v.GoOn, now)
	for id, county := range v.Mainly {
		if err == nil {
			_, err = s.pool.Exec(ctx, `UPDATE sensing_surges SET mainly = $2 WHERE id = $1`, id, string(county))
		}
	}
	return err
}

// joinTopics makes a topic, and what is part of it, a part of another.
func (s *Store) joinTopics(ctx context.Context, topic, to int64) error {
	_, err := s.pool.Exec(ctx, `
		UPDATE sensing_topics SET part_of = $2 WHERE (id = $1 OR part_of = $1) AND id <> $2 AND (SELECT part_of FROM sensing_topics WHERE id = $2) IS NULL`, topic, to)
	return err
}

func (s *Store) fileSurge(ctx context.Context, f sensing.Surge) error {
	return s.change(ctx, func(tx pgx.Tx) error {
		var id int64
		err := tx.QueryRow(ctx, `
			INSERT INTO sensing_surges (topic, county, began_at, found_at, last_at, readers, usual, chance) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			RETURNING id`, f.Topic, string(f.Where), f.From, f.Found, f.Last, f.Readers, f.Usual, f.Chance).Scan(&id)
		if err != nil {
			return err
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{Action: knowledge.SurgeFound, Detail: map[string]string{
			"surge": strconv.FormatInt(id, 10), "county": string(f.Where), "readers": strconv.Itoa(f.Readers),
		}})
	})
}

// ageTopics deletes counts that no usual level looks at any more, and topics that nobody asks about and that nothing was done about.
func (s *Store) ageTopics(ctx context.Context, now time.Time) error {
	const portion = 1000
	for _, sql := range []string{
		`DELETE FROM sensing_hours WHERE (topic, county, hour) IN (SELECT topic, county, hour FROM sensing_hours WHERE hour < $1 LIMIT $2)`,
		`DELETE FROM sensing_topics WHERE id IN (SELECT id FROM sensing_topics t WHERE last_at < $1 AND entry_id IS NULL AND draft IS NULL
		   AND NOT EXISTS (SELECT FROM sensing_surges s WHERE s.topic = t.id) AND NOT EXISTS (SELECT FROM sensing_topics p WHERE p.part_of = t.id) LIMIT $2)`,
	} {
		if _, err := s.pool.Exec(ctx, sql, now.Add(-hoursKept), portion); err != nil {
			return fmt.Errorf("age the topics: %w", err)
		}
	}
	return nil
}
