-- +goose Up

ALTER TABLE inbox
    -- What is to be sent, stored with the memory of the conversation: an update that is tried again is not asked again. It goes when it is sent.
    ADD COLUMN reply jsonb,
    -- 0: words; 1: what takes seconds to read (a picture, speech, a link), of which few are read at once; 2: words that speak of a danger, first.
    ADD COLUMN lane  smallint NOT NULL DEFAULT 0,
    ADD CONSTRAINT update_keeps_no_reply CHECK (done_at IS NULL OR reply IS NULL AND lane = 0),
    ADD CONSTRAINT update_has_a_lane CHECK (lane BETWEEN 0 AND 2);
DROP INDEX inbox_waiting;
CREATE INDEX inbox_waiting ON inbox (channel, lane, n) WHERE done_at IS NULL;

-- +goose Down
DROP INDEX inbox_waiting;
CREATE INDEX inbox_waiting ON inbox (channel, n) WHERE done_at IS NULL;
ALTER TABLE inbox DROP CONSTRAINT update_has_a_lane, DROP CONSTRAINT update_keeps_no_reply, DROP COLUMN lane, DROP COLUMN reply;
