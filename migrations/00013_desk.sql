-- +goose Up

ALTER TABLE answers
    ADD COLUMN question_id bigint REFERENCES questions ON DELETE SET NULL; -- filed with it: 好 under the reply agrees to that one
CREATE INDEX answers_question ON answers (question_id) WHERE question_id IS NOT NULL;

ALTER TABLE answer_entries
    ADD COLUMN ordinal smallint NOT NULL DEFAULT 0; -- as shown: 第二个 under an older reply

-- Who is to be told is claimed under a lease and marked once told; who cannot be reached after some tries is told with their next message.
ALTER TABLE question_readers
    ADD COLUMN leased_to timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN tries     integer     NOT NULL DEFAULT 0;
CREATE INDEX question_readers_due ON question_readers (question_id) WHERE agreed AND told_at IS NULL;

-- Members of groups are named group, line break, person (bot.MemberOf): a person's data is deleted in all of them.
CREATE INDEX readers_member ON readers (channel, split_part(name, E'\n', 2)) WHERE strpos(name, E'\n') > 0;
CREATE INDEX readers_blocked ON readers (blocked_at) WHERE blocked_at IS NOT NULL;

-- +goose Down
DROP INDEX readers_blocked, readers_member, question_readers_due;
ALTER TABLE question_readers DROP COLUMN tries, DROP COLUMN leased_to;
ALTER TABLE answer_entries DROP COLUMN ordinal;
ALTER TABLE answers DROP COLUMN question_id;
