-- +goose Up
CREATE EXTENSION IF NOT EXISTS vector;

-- An entry is a name for ever; what it says lies in its versions.
CREATE TABLE entries (
    id         text        PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT entry_id_is_slug CHECK (id ~ '^[a-z0-9]+(-[a-z0-9]+)*$' AND length(id) BETWEEN 2 AND 64)
);

-- The content columns of a version never change once made (trigger below); its life does.
CREATE TABLE entry_versions (
    entry_id     text        NOT NULL REFERENCES entries,
    version      integer     NOT NULL,
    content_hash bytea       NOT NULL,
    document     jsonb       NOT NULL, -- knowledge.Entry
    created_at   timestamptz NOT NULL DEFAULT now(),
    status       text        NOT NULL DEFAULT 'draft',
    approvals    integer     NOT NULL DEFAULT 0, -- of this very hash since it was last sent back; kept by a trigger
    published_at timestamptz,
    -- after this instant the version is not served; infinite until it is published
    expires_at   timestamptz NOT NULL DEFAULT 'infinity',
    PRIMARY KEY (entry_id, version),
    CONSTRAINT version_counts_from_one CHECK (version >= 1),
    CONSTRAINT version_hash_is_sha256 CHECK (octet_length(content_hash) = 32),
    CONSTRAINT version_document_is_this_entry CHECK (document ->> 'id' = entry_id),
    CONSTRAINT version_status_known CHECK (status IN ('draft', 'in_review', 'published', 'superseded', 'withdrawn')),
    CONSTRAINT version_rebuttal_has_verdict CHECK (
        CASE document ->> 'kind'
            WHEN 'rebuttal' THEN document ->> 'verdict' IN ('false', 'misleading', 'partly_true', 'true', 'unproven')
                                 AND document ->> 'verdict' IS NOT NULL
            WHEN 'guide' THEN document ->> 'verdict' IS NULL
            ELSE false
        END),
    CONSTRAINT version_published_has_reviews CHECK (status <> 'published' OR approvals > 0),
    CONSTRAINT version_published_has_dates CHECK (
        status <> 'published' OR (published_at IS NOT NULL AND expires_at < 'infinity')),
    CONSTRAINT version_hash_key UNIQUE (entry_id, version, content_hash), -- what a review is bound to
    CONSTRAINT version_life_key UNIQUE (entry_id, version, status, expires_at) -- what a passage mirrors
);

-- The database decides races: one version is served, one is being worked on.
CREATE UNIQUE INDEX one_published_version ON entry_versions (entry_id) WHERE status = 'published';
CREATE UNIQUE INDEX one_open_version ON entry_versions (entry_id) WHERE status IN ('draft', 'in_review');

CREATE TABLE reviews (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_id     text        NOT NULL,
    version      integer     NOT NULL,
    content_hash bytea       NOT NULL,
    reviewer     text        NOT NULL,
    title        text        NOT NULL,
    institution  text        NOT NULL,
    role         text        NOT NULL,
    decision     text        NOT NULL,
    reviewed_at  timestamptz NOT NULL,
    CONSTRAINT review_decision_known CHECK (decision IN ('approve', 'return')),
    CONSTRAINT review_is_signed CHECK (reviewer <> '' AND institution <> ''),
    CONSTRAINT review_binds_hash FOREIGN KEY (entry_id, version, content_hash)
        REFERENCES entry_versions (entry_id, version, content_hash)
);

-- +goose StatementBegin
CREATE FUNCTION keep_version_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'version %/% cannot be deleted: withdraw it', OLD.entry_id, OLD.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_is_immutable';
    END IF;
    IF (NEW.entry_id, NEW.version, NEW.content_hash, NEW.document, NEW.created_at)
        IS DISTINCT FROM (OLD.entry_id, OLD.version, OLD.content_hash, OLD.document, OLD.created_at) THEN
        RAISE EXCEPTION 'version %/% cannot be changed: make a new one', OLD.entry_id, OLD.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_is_immutable';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER version_is_immutable BEFORE UPDATE OR DELETE ON entry_versions
    FOR EACH ROW EXECUTE FUNCTION keep_version_content();

-- +goose StatementBegin
CREATE FUNCTION count_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- sent back: whoever approved before has to look again
    UPDATE entry_versions SET approvals = CASE NEW.decision WHEN 'approve' THEN approvals + 1 ELSE 0 END
     WHERE entry_id = NEW.entry_id AND version = NEW.version;
    RETURN NEW;
END $$;
-- +goose StatementEnd
-- A signature is for ever: a change of mind is another review.
-- +goose StatementBegin
CREATE FUNCTION keep_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'review % cannot be changed: add another', OLD.id
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'review_is_append_only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER review_is_append_only BEFORE UPDATE OR DELETE ON reviews FOR EACH ROW EXECUTE FUNCTION keep_review();
CREATE TRIGGER review_counts AFTER INSERT ON reviews FOR EACH ROW EXECUTE FUNCTION count_approval();

-- +goose Down
DROP TABLE reviews;
DROP TABLE entry_versions;
DROP TABLE entries;
DROP FUNCTION keep_version_content, count_approval, keep_review;
