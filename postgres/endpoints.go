package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"qiuzhen/knowledge"
)

// AddEndpoint lists a recipient that is no reader; one that ended before is taken up again.
func (s *Store) AddEndpoint(ctx context.Context, e knowledge.Endpoint) error {
	for _, g := range e.Groups {
		if !slices.Contains(knowledge.AudienceGroups, g) {
			return &knowledge.Error{Code: knowledge.Invalid, Message: fmt.Sprintf("没有 %.20q 这个人群；可用：%s", g, strings.Join(knowledge.AudienceGroups, " "))}
		}
	}
	topics := make([]string, len(e.Topics))
	for i, t := range e.Topics {
		topics[i] = string(t)
	}
	err := s.changeEndpoint(ctx, knowledge.EndpointAdded, e.Channel, e.Recipient, map[string]string{"county": e.County}, func(tx pgx.Tx) (bool, error) {
		_, err := tx.Exec(ctx, `
			INSERT INTO endpoints (channel, recipient, county, topics, groups) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (channel, recipient) DO UPDATE SET county = excluded.county, topics = excluded.topics, groups = excluded.groups,
			  gone_at = NULL, gone_reason = ''`, e.Channel, e.Recipient, e.County, topics, orNone(e.Groups))
		return true, err
	})
	if said := map[string]string{
		"endpoint_channel_known": "渠道只能是 wecom dingtalk email webhook wechat_mass",
		"endpoint_mass_is_known": "微信群发的收件人写 all（所有关注的人），或者按标签写 tag:2",
		"endpoint_is_bounded":    "名字最多128个字，地区是六位或九位的代码",
		"endpoint_is_no_address": "这里写名字，不写网址：网址和密钥写进数据目录的 endpoints.toml",
	}[constraint(err)]; said != "" {
		return &knowledge.Error{Code: knowledge.Invalid, Message: said, Err: err}
	}
	return err
}

// EndEndpoint sends a recipient nothing any more, for a reason.
func (s *Store) EndEndpoint(ctx context.Context, channel, recipient, reason string) error {
	return s.changeEndpoint(ctx, knowledge.EndpointEnded, channel, recipient, map[string]string{"reason": reason}, func(tx pgx.Tx) (bool, error) {
		tag, err := tx.Exec(ctx, `
			UPDATE endpoints SET gone_at = clock_timestamp(), gone_reason = $3 WHERE channel = $1 AND recipient = $2 AND gone_at IS NULL`,
			channel, recipient, reason)
		return tag.RowsAffected() > 0, err
	})
}

// JoinExercise lets a reader or an endpoint be sent exercises, or no longer. Nobody else is sent one.
func (s *Store) JoinExercise(ctx context.Context, channel, recipient string, joined bool) error {
	action := knowledge.ExerciseGroupLeft
	if joined {
		action = knowledge.ExerciseGroupJoined
	}
	return s.changeEndpoint(ctx, action, channel, recipient, nil, func(tx pgx.Tx) (bool, error) {
		var found int
		err := tx.QueryRow(ctx, `
			WITH r AS (UPDATE readers SET exercise_at = CASE WHEN $3 THEN clock_timestamp() END WHERE channel = $1 AND name = $2 RETURNING 1),
			     e AS (UPDATE endpoints SET exercise_at = CASE WHEN $3 THEN clock_timestamp() END WHERE channel = $1 AND recipient = $2 RETURNING 1)
			SELECT (SELECT count(*) FROM r) + (SELECT count(*) FROM e)`, channel, recipient, joined).Scan(&found)
		if constraint(err) == "endpoint_mass_is_real" {
			err = &knowledge.Error{Code: knowledge.Invalid, Message: "演练不能用微信群发：演练组以外的人也会收到", Err: err}
		}
		return found > 0, err
	})
}

// changeEndpoint is done by who publishes. The log names a recipient by channel alone where it is a person: readers are not told of there.
func (s *Store) changeEndpoint(
	ctx context.Context, action knowledge.Action, channel, recipient string, detail map[string]string, do func(pgx.Tx) (found bool, err error),
) error {
	return s.change(ctx, func(tx pgx.Tx) error {
		if err := mayDo(ctx, tx, knowledge.ActorOf(ctx).Person, publishers); err != nil {
			return err
		}
		found, err := do(tx)
		if err != nil {
			return err
		}
		if !found {
			return &knowledge.Error{Code: knowledge.NotFound, Message: fmt.Sprintf("%s 上没有这个接收方", channel)}
		}
		all := map[string]string{"channel": channel}
		if channel != "telegram" && channel != "wechat" && channel != "email" {
			all["recipient"] = recipient
		}
		for k, v := range detail {
			if v != "" {
				all[k] = v
			}
		}
		return s.auditor.Append(ctx, tx, knowledge.Event{Action: action, Detail: all})
	})
}

// Endpoints lists them by channel and name.
func (s *Store) Endpoints(ctx context.Context) ([]knowledge.Endpoint, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT id, channel, recipient, county, topics, groups, exercise_at IS NOT NULL,
		       CASE WHEN gone_at IS NULL THEN '' ELSE coalesce(nullif(gone_reason, ''), '停用了') END
		  FROM endpoints ORDER BY channel, recipient`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (e knowledge.Endpoint, err error) {
		err = row.Scan(&e.ID, &e.Channel, &e.Recipient, &e.County, &e.Topics, &e.Groups, &e.Exercise, &e.Gone)
		return e, err
	})
}

// ExerciseGroup counts who gets exercises, by channel.
func (s *Store) ExerciseGroup(ctx context.Context) ([]knowledge.Recipient, error) {
	rows, err := s.pool.Query(ctx, `
		SELECT channel, count(*)::int FROM (
		  SELECT channel FROM readers WHERE exercise_at IS NOT NULL UNION ALL SELECT channel FROM endpoints WHERE exercise_at IS NOT NULL) g
		 GROUP BY channel ORDER BY channel`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (r knowledge.Recipient, err error) {
		err = row.Scan(&r.Channel, &r.Readers)
		return r, err
	})
}
