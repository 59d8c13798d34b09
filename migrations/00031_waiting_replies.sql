-- +goose Up

-- Which versions a reply quotes, offers or tells that waits for a post of WeChat or for the reader's next message, up to 48 hours: [{"ID", "Version"}].
-- One that shows what was withdrawn since, or has expired, is not sent.
ALTER TABLE wechat_messages
    ADD COLUMN shown jsonb NOT NULL DEFAULT '[]',
    ADD CONSTRAINT wechat_message_shows_versions CHECK (jsonb_typeof(shown) = 'array');

-- +goose Down
ALTER TABLE wechat_messages DROP CONSTRAINT wechat_message_shows_versions, DROP COLUMN shown;
