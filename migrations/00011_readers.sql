-- +goose Up

-- Who talks to us, as the channel names them, for as long as a reply, a correction or a subscription needs it: a reader who has said nothing
-- for 30 days and wants nothing is forgotten, with all below. Nothing else personal is kept: messages are masked before they get here.
CREATE TABLE readers (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel    text        NOT NULL,
    name       text        NOT NULL,
    memory     jsonb       NOT NULL DEFAULT '{}', -- bot.Memory
    wishes     jsonb       NOT NULL DEFAULT '{}', -- bot.Wishes
    seen_at    timestamptz NOT NULL,
    blocked_at timestamptz, -- by the staff, for abuse
    gone_at    timestamptz, -- blocked us
    CONSTRAINT reader_key UNIQUE (channel, name),
    CONSTRAINT reader_name_is_short CHECK (length(name) BETWEEN 1 AND 128 AND length(channel) BETWEEN 1 AND 32)
);
CREATE INDEX readers_seen ON readers (seen_at);

-- One row a reply. Decision, class and versions are what reports count and corrections follow.
CREATE TABLE answers (
    id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reader_id bigint      NOT NULL REFERENCES readers ON DELETE CASCADE,
    at        timestamptz NOT NULL,
    message   text        NOT NULL, -- masked
    decision  text        NOT NULL,
    urgent    text        NOT NULL DEFAULT '',
    live      text        NOT NULL DEFAULT '',
    took_ms   integer     NOT NULL,
    useful    boolean,              -- null: the reader did not say
    reason    text        NOT NULL DEFAULT '',
    CONSTRAINT answer_decision_known CHECK (decision IN ('answer', 'suggest', 'abstain')),
    CONSTRAINT answer_message_is_bounded CHECK (length(message) <= 4000 AND length(reason) <= 500)
);
CREATE INDEX answers_reader ON answers (reader_id);
CREATE INDEX answers_at ON answers (at);

CREATE TABLE answer_entries (
    answer_id bigint  NOT NULL REFERENCES answers ON DELETE CASCADE,
    entry_id  text    NOT NULL,
    version   integer NOT NULL,
    score     real    NOT NULL,
    quoted    boolean NOT NULL, -- false: offered
    PRIMARY KEY (answer_id, entry_id, version),
    FOREIGN KEY (entry_id, version) REFERENCES entry_versions
);
-- who got an entry: for the correction when it is withdrawn
CREATE INDEX answer_entries_entry ON answer_entries (entry_id, version) WHERE quoted;

-- What readers asked and nothing vetted answered, masked, for the experts. The same words are one question.
CREATE TABLE questions (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    words      text        NOT NULL UNIQUE,
    asked      integer     NOT NULL DEFAULT 1,
    first_at   timestamptz NOT NULL,
    last_at    timestamptz NOT NULL,
    entry_id   text        REFERENCES entries, -- what answers it now
    closed_at  timestamptz,
    CONSTRAINT question_is_bounded CHECK (length(words) BETWEEN 1 AND 2100)
);
CREATE TABLE question_readers (
    question_id bigint      NOT NULL REFERENCES questions ON DELETE CASCADE,
    reader_id   bigint      NOT NULL REFERENCES readers ON DELETE CASCADE,
    at          timestamptz NOT NULL,
    agreed      boolean     NOT NULL DEFAULT false, -- wants to be told
    told_at     timestamptz,
    PRIMARY KEY (question_id, reader_id)
);
CREATE INDEX question_readers_reader ON question_readers (reader_id, at);

-- +goose Down
DROP TABLE question_readers, questions, answer_entries, answers, readers;
