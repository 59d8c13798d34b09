-- +goose Up

-- What the program has to tell somebody of the staff. A kind is told to a person about a version once, ever: whoever else runs the same job at the
-- same time, or again after a kill, finds the row there.
CREATE TABLE notices (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person  bigint      NOT NULL REFERENCES people,
    kind    text        NOT NULL,
    entry   text        NOT NULL,
    version integer     NOT NULL,
    at      timestamptz NOT NULL,
    read_at timestamptz, -- null: still open
    CONSTRAINT notice_kind_known CHECK (kind IN ('review_due_30', 'review_due_7')), -- days before the version stops being served
    CONSTRAINT notice_once_each UNIQUE (person, kind, entry, version),
    CONSTRAINT notice_of_version FOREIGN KEY (entry, version) REFERENCES entry_versions (entry_id, version),
    CONSTRAINT notice_read_after CHECK (read_at >= at)
);
CREATE INDEX notices_open ON notices (person) WHERE read_at IS NULL; -- somebody's open ones, a handful among years of read ones
CREATE INDEX versions_due ON entry_versions (expires_at) WHERE status = 'published' AND NOT emergency; -- asked for each hour

-- The history of an account: what was done to it, and what it did.
CREATE INDEX audit_log_person ON audit_log ((detail ->> 'person'), seq) WHERE detail ? 'person';
CREATE INDEX audit_log_actor ON audit_log (actor, seq) WHERE actor <> 'system';

-- +goose Down
DROP TABLE notices;
DROP INDEX versions_due, audit_log_person, audit_log_actor;
