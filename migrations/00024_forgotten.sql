-- +goose Up

-- Who was forgotten a moment ago, by a mark that no name can be read from (00017). A message of theirs that was being answered meanwhile, in a
-- group or by another node, is not kept: it was read before that moment, by this server's clock, whichever node read it.
CREATE TABLE forgotten (
    channel text        NOT NULL,
    mark    text        NOT NULL,
    at      timestamptz NOT NULL,
    PRIMARY KEY (channel, mark)
);

-- With what each message of Telegram was answered, for when it is edited: whichever node gets the edit replaces that reply, and does not answer an
-- edit that changes no words. Chat, message and words are hashes with the bot's token: nobody is named. Rows go after two days, when nobody can edit
-- any more.
CREATE TABLE telegram_replies (
    message bytea       PRIMARY KEY,
    words   bytea       NOT NULL,
    reply   bigint      NOT NULL, -- our message; 0: none that could be edited
    at      timestamptz NOT NULL,
    CONSTRAINT telegram_reply_is_hashed CHECK (octet_length(message) = 16 AND octet_length(words) = 16)
);
CREATE INDEX telegram_replies_at ON telegram_replies (at);

-- +goose Down
DROP TABLE telegram_replies, forgotten;
