-- +goose Up

-- What a channel delivered, stored before it is acknowledged and claimed by workers under leases that expire, so that nothing is lost with a
-- killed one. What is done keeps its name only, for the platform's repeats (Telegram: 24 hours; WeChat: 15 seconds), and none of its words.
CREATE TABLE inbox (
    channel     text        NOT NULL,
    id          text        NOT NULL, -- the platform's: update_id, MsgId
    chat        text        NOT NULL, -- whose messages are taken one after the other
    payload     bytea,                -- null once done
    received_at timestamptz NOT NULL,
    n           bigint      GENERATED ALWAYS AS IDENTITY, -- in the order of arrival
    leased_to   timestamptz NOT NULL DEFAULT '-infinity',
    token       bigint      NOT NULL DEFAULT 0, -- counts the claims: who lost the lease cannot finish
    done_at     timestamptz,
    PRIMARY KEY (channel, id),
    CONSTRAINT update_keeps_no_words CHECK ((payload IS NULL) = (done_at IS NOT NULL)),
    CONSTRAINT update_is_bounded CHECK (length(payload) <= 1048576 AND length(id) BETWEEN 1 AND 128)
);
CREATE INDEX inbox_waiting ON inbox (channel, n) WHERE done_at IS NULL;
CREATE INDEX inbox_chat ON inbox (channel, chat, n) WHERE done_at IS NULL;
CREATE INDEX inbox_done ON inbox (done_at) WHERE done_at IS NOT NULL;

-- +goose Down
DROP TABLE inbox;
