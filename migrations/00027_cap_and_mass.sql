-- +goose Up

-- WeChat's mass messages: to all followers of the official account, or to those with a tag. Nobody knows who is behind it, so that no exercise goes there.
ALTER TABLE endpoints DROP CONSTRAINT endpoint_channel_known;
ALTER TABLE endpoints
    ADD CONSTRAINT endpoint_channel_known CHECK (channel IN ('wecom', 'dingtalk', 'email', 'webhook', 'wechat_mass')),
    ADD CONSTRAINT endpoint_mass_is_known CHECK (channel <> 'wechat_mass' OR recipient ~ '^(all|tag:[0-9]{1,9})$'),
    ADD CONSTRAINT endpoint_mass_is_real CHECK (channel <> 'wechat_mass' OR exercise_at IS NULL);

-- The alert of another system that a broadcast was made from, as CAP names it: read once, however often it is fetched. A draft that was given up can be
-- read again. An update or a cancel of theirs is found by it to be of this broadcast.
CREATE UNIQUE INDEX broadcast_origin_once ON broadcasts ((document::jsonb -> 'content' ->> 'origin'))
    WHERE (document::jsonb -> 'content' ->> 'origin') IS NOT NULL AND NOT (state = 'cancelled' AND begun_at IS NULL);

-- What was begun is public as CAP, the newest first.
CREATE INDEX broadcasts_begun ON broadcasts (begun_at DESC, id DESC) WHERE begun_at IS NOT NULL;

-- +goose Down
SELECT 1/0; -- endpoints of a channel that is not known any more
