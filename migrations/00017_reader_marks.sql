-- +goose Up

-- Whose data is deleted while they are blocked stays blocked, as channel and a mark that no name can be read from: the hash of the name with
-- this key, in the place of the name. Telegram's numbers could be guessed from a hash without one.
CREATE TABLE reader_mark_key (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    key bytea   NOT NULL
);
INSERT INTO reader_mark_key (key) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- +goose StatementBegin
CREATE FUNCTION reader_mark(channel text, name text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '#' || encode(sha256(key || sha256(key || convert_to(channel || E'\n' || name, 'UTF8'))), 'hex') FROM reader_mark_key
$$;
-- +goose StatementEnd

-- blocked readers' words and wishes are kept no longer than the block
UPDATE readers SET memory = '{}', wishes = '{}' WHERE blocked_at IS NOT NULL;

-- +goose Down
DROP FUNCTION reader_mark;
DROP TABLE reader_mark_key;
