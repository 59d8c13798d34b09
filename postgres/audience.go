package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// pushes are the channels of readers that can be sent what they did not ask for just now.
var pushes = []string{"telegram", "wechat"}

// audienceSelect is the statement that gives whom a broadcast is for: rows (channel text, recipient text, reader_id bigint or null, county text) of
// subscribed readers and of endpoints. The parameters are numbered from $1.
//
// An exercise reaches the exercise group only: the statement asks for it when b says so or when the stored broadcast does. An Update or a Cancel
// has no audience of its own: no rows.
//
// Who named a county gets what is for it, for its city and its province; who named none, or a city or a province, also gets what is for all of
// a city in it, but not what is for one county. Nobody tells a town: what is for a town goes to all of its county.
// Who told no group gets only what is for everybody. A mass message, of which WeChat allows few, is sent only when the channel is named.
func audienceSelect(b knowledge.Broadcast) (sql string, args []any) {
	if b.Audience.ReadersOf != "" {
		return readersOfSelect(b)
	}
	within, exactly := countyRule(b.Audience.Areas)
	topics := make([]string, len(b.Audience.Topics))
	for i, t := range b.Audience.Topics {
		topics[i] = string(t)
	}
	args = []any{
		b.ID, b.Exercise, within, exactly, topics, orNone(b.Audience.Groups), orNone(b.Audience.Channels), pushes,
		b.Type == knowledge.Alert && (b.Audience.Unplaced == "" || len(b.Audience.Areas) > 0), knowledge.WeChatMass,
	}
	return audience, args
}

// orNone is never nil, which would be NULL in the database.
func orNone[T any](of []T) []T {
	if of == nil {
		return []T{}
	}
	return of
}

// The wishes of a reader are bot.Wishes; groups are not asked for yet but for the age.
const audience = `
	WITH rule AS (SELECT $2::boolean OR coalesce((SELECT exercise FROM broadcasts WHERE id = $1::bigint), false) AS exercise)
	SELECT r.channel, r.name AS recipient, r.id AS reader_id, coalesce(r.wishes #>> '{sent,county}', '') AS county
	  FROM readers r, rule
	 WHERE $9::boolean AND r.wishes ? 'sent' AND r.gone_at IS NULL AND r.blocked_at IS NULL AND (NOT rule.exercise OR r.exercise_at IS NOT NULL)
	   AND r.channel = ANY ($8::text[]) AND (cardinality($7::text[]) = 0 OR r.channel = ANY ($7))
	   AND (coalesce(r.wishes #>> '{sent,county}', '') LIKE ANY ($3::text[]) OR coalesce(r.wishes #>> '{sent,county}', '') = ANY ($4::text[]))
	   AND (cardinality($5::text[]) = 0 OR coalesce(r.wishes #> '{sent,topics}', '[]') = '[]' OR r.wishes #> '{sent,topics}' ?| $5)
	   AND (cardinality($6::text[]) = 0 OR r.wishes #>> '{sent,age}' = ANY ($6) OR coalesce(r.wishes #> '{sent,groups}' ?| $6, false))
	UNION ALL
	SELECT e.channel, e.recipient, NULL::bigint, e.county
	  FROM endpoints e, rule
	 WHERE $9 AND e.gone_at IS NULL AND (NOT rule.exercise OR e.exercise_at IS NOT NULL)
	   AND (cardinality($7) = 0 AND e.channel <> $10::text OR e.channel = ANY ($7))
	   AND (e.county LIKE ANY ($3) OR e.county = ANY ($4))
	   AND (cardinality($5) = 0 OR cardinality(e.topics) = 0 OR e.topics && $5)
	   AND (cardinality($6) = 0 OR cardinality(e.groups) = 0 OR e.groups && $6)`

// countyRule turns areas into patterns of codes that lie within them, and codes of what they lie in that get them too. What was stored under
// codes that were given up since is found by its present ones: 港闸区 is in 崇川区 now.
func countyRule(areas []string) (within, exactly []string) {
	exactly = []string{}
	if len(areas) == 0 {
		return []string{"%"}, exactly
	}
	for _, area := range areas {
		area = knowledge.CurrentRegion(area)
		prefix := areaPrefix(area)
		within = append(within, prefix+"%")
		for _, former := range knowledge.FormerRegions(area) {
			if !strings.HasPrefix(former, prefix) {
				within = append(within, areaPrefix(former)+"%")
			}
		}
		switch len(prefix) {
		case 2, 4: // of a province or city: also who named no more, or nothing
			exactly = append(exactly, "")
			if len(prefix) == 4 {
				exactly = append(exactly, prefix[:2]+"0000")
			}
		case 9: // of a town: nobody tells theirs
			exactly = append(exactly, knowledge.RegionCodes(area[:6])...)
		}
	}
	slices.Sort(exactly)
	return within, slices.Compact(exactly)
}

// areaPrefix is what the codes within an area begin with: 32 of a province, 3206 of a city, 320623 of a county, nine digits of a town.
func areaPrefix(area string) string {
	if len(area) == 9 && !strings.HasSuffix(area, "000") {
		return area
	}
	area = area[:min(len(area), 6)]
	for len(area) > 2 && strings.HasSuffix(area, "00") {
		area = area[:len(area)-2]
	}
	return area
}

// PreviewBroadcast counts whom a broadcast would go to if it were begun now, and what would be sent before it; a correction, to those of its chain.
func (s *Store) PreviewBroadcast(ctx context.Context, b knowledge.Broadcast) ([]knowledge.Reach, error) {
	var chain []int64
	if b.Type != knowledge.Alert {
		var err error
		if chain, err = chainOf(ctx, s.pool, b.References, b.ID); err != nil {
			return nil, err
		}
	}
	sql, args := recipientsSelect(b, chain)
	rows, err := s.pool.Query(ctx, `SELECT channel, county, count(*) FROM (`+sql+`) a GROUP BY channel, county ORDER BY channel, county`, args...)
	if err != nil {
		return nil, err
	}
	stored, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r knowledge.Reach, err error) {
		err = row.Scan(&r.Channel, &r.County, &r.N)
		return r, err
	})
	if err != nil {
		return nil, err
	}
	var reach []knowledge.Reach
	for _, r := range stored { // under its present code a county is counted once
		r.County = knowledge.CurrentRegion(r.County)
		at := slices.IndexFunc(reach, func(is knowledge.Reach) bool { return is.Channel == r.Channel && is.County == r.County })
		if at < 0 {
			reach, at = append(reach, knowledge.Reach{Channel: r.Channel, County: r.County}), len(reach)
		}
		reach[at].N += r.N
	}
	if err := s.fillAhead(ctx, b, chain, reach); err != nil {
		return nil, err
	}
	return reach, s.massSpent(ctx, reach)
}

// massSpent fills in how many mass messages went out in this month of China's, by their ledgers and by what stayed of those. What is in flight counts.
func (s *Store) massSpent(ctx context.Context, reach []knowledge.Reach) error {
	var spent int
	if !slices.ContainsFunc(reach, func(r knowledge.Reach) bool { return r.Channel == knowledge.WeChatMass }) {
		return nil
	}
	err := s.pool.QueryRow(ctx, `
		WITH month AS (SELECT id FROM broadcasts
		                WHERE begun_at >= date_trunc('month', clock_timestamp(), 'Asia/Shanghai'))
		SELECT (SELECT count(*) FROM month JOIN deliveries d ON d.broadcast_id = month.id WHERE d.channel = $1 AND (d.state IN ('sent', 'claimed') OR d.unclear))
		     + (SELECT coalesce(sum(t.n), 0)::bigint FROM month JOIN delivery_totals t ON t.broadcast_id = month.id WHERE t.channel = $1 AND t.state = 'sent')`,
		knowledge.WeChatMass).Scan(&spent)
	for i := range reach {
		if reach[i].Channel == knowledge.WeChatMass {
			reach[i].Spent = spent
		}
	}
	return err
}
