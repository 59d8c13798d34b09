-- +goose Up

-- Where the posts and the reply of a WeChat message stand, shared by all nodes. The platform posts a message up to three times, five seconds
-- apart, until one post is answered; the words themselves lie in the inbox until they are answered. A row goes a minute after its reply was
-- given, an undelivered one after 48 hours, when the platform would not take it any more.
CREATE TABLE wechat_messages (
    id         text        PRIMARY KEY, -- as in the inbox
    reader     text        NOT NULL,    -- whom a late reply goes to; empty once the reply was given
    created_at timestamptz NOT NULL,
    posts      integer     NOT NULL DEFAULT 1, -- duplicates too: the last post is the one that may take the reply
    tries      integer     NOT NULL DEFAULT 1, -- the platform's
    tried_at   timestamptz NOT NULL,           -- the last of those
    reply      text,                           -- null: not answered yet; empty: nothing is said
    given_at   timestamptz,
    late       boolean     NOT NULL DEFAULT false, -- no post will take it
    sent       boolean     NOT NULL DEFAULT false, -- as a customer message
    sends      integer     NOT NULL DEFAULT 0,
    send_at    timestamptz NOT NULL DEFAULT '-infinity', -- not before; infinity: with the reader's next message only
    leased_to  timestamptz NOT NULL DEFAULT '-infinity', -- somebody is sending it
    CONSTRAINT wechat_message_is_bounded CHECK (length(id) BETWEEN 1 AND 128 AND length(reader) <= 128 AND length(reply) <= 8192)
);
CREATE INDEX wechat_messages_created ON wechat_messages (created_at);

-- Nonces of the last minutes, by digest. Only what is signed gets here, so that strangers cannot fill it. The platform may post a message again
-- with the same nonce; a nonce that comes with another message is a replay (in plain mode the signature does not cover the message).
CREATE TABLE wechat_nonces (
    digest   bytea       PRIMARY KEY,
    body     bytea       NOT NULL,
    first_at timestamptz NOT NULL,
    uses     integer     NOT NULL DEFAULT 1,
    CONSTRAINT wechat_nonce_is_digest CHECK (length(digest) = 32 AND length(body) = 32)
);
CREATE INDEX wechat_nonces_first ON wechat_nonces (first_at);

-- The access token of an account. Whoever holds the lease fetches a new one; all others wait for it.
CREATE TABLE wechat_tokens (
    app_id     text        PRIMARY KEY,
    token      text        NOT NULL DEFAULT '',
    expires_at timestamptz NOT NULL DEFAULT '-infinity',
    leased_to  timestamptz NOT NULL DEFAULT '-infinity'
);

-- Who is forgotten has nothing coming, but for the word that they are.
-- +goose StatementBegin
CREATE FUNCTION forget_wechat_reader() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM wechat_messages WHERE reader = OLD.name AND reply IS NOT NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE INDEX wechat_messages_reader ON wechat_messages (reader);
CREATE TRIGGER reader_takes_wechat_messages AFTER DELETE ON readers
    FOR EACH ROW WHEN (OLD.channel = 'wechat') EXECUTE FUNCTION forget_wechat_reader();

-- +goose Down
DROP TRIGGER reader_takes_wechat_messages ON readers;
DROP FUNCTION forget_wechat_reader;
DROP TABLE wechat_tokens, wechat_nonces, wechat_messages;
