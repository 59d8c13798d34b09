-- +goose Up

-- A file that drafts were made of, kept as it came: what a reviewer holds a draft against.
CREATE TABLE originals (
    sha256      bytea       PRIMARY KEY,
    media_type  text        NOT NULL,
    pages       integer, -- null where the format has none
    content     bytea       NOT NULL,
    blocks      jsonb       NOT NULL, -- the text as it was read, piece by piece with its places
    imported_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT original_hash_is_of_content CHECK (sha256 = sha256(content)),
    CONSTRAINT original_has_pages CHECK (pages > 0)
);
-- Text and packed formats alike are not compressed again on every read of a row.
ALTER TABLE originals ALTER COLUMN content SET STORAGE EXTERNAL;

-- A version made of a file may lack what an entry needs (a verdict, an institution, a short name): it is stored for an editor
-- to complete. It cannot be submitted or published, and has no passages, so that no search finds it, signed or not.
ALTER TABLE entry_versions ADD COLUMN complete boolean NOT NULL DEFAULT true;
ALTER TABLE entry_versions
    ADD CONSTRAINT version_incomplete_stays_draft CHECK (complete OR status IN ('draft', 'superseded', 'withdrawn')),
    ADD CONSTRAINT version_completeness_key UNIQUE (entry_id, version, complete), -- what a passage refers to
    DROP CONSTRAINT version_rebuttal_has_verdict,
    ADD CONSTRAINT version_rebuttal_has_verdict CHECK (
        CASE document ->> 'kind'
            WHEN 'rebuttal' THEN CASE WHEN document ->> 'verdict' IS NULL THEN NOT complete
                                 ELSE document ->> 'verdict' IN ('false', 'misleading', 'partly_true', 'true', 'unproven') END
            WHEN 'guide' THEN document ->> 'verdict' IS NULL
            ELSE false
        END);

ALTER TABLE passages ADD COLUMN complete boolean NOT NULL DEFAULT true;
ALTER TABLE passages
    ADD CONSTRAINT passage_is_of_complete CHECK (complete),
    ADD CONSTRAINT passage_of_complete_version FOREIGN KEY (entry_id, version, complete)
        REFERENCES entry_versions (entry_id, version, complete);

-- +goose StatementBegin
CREATE FUNCTION keep_version_completeness() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'version %/% cannot be made complete: make a new one', OLD.entry_id, OLD.version
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_completeness_is_immutable';
END $$;
-- +goose StatementEnd
CREATE TRIGGER version_completeness_is_immutable BEFORE UPDATE ON entry_versions
    FOR EACH ROW WHEN (NEW.complete IS DISTINCT FROM OLD.complete) EXECUTE FUNCTION keep_version_completeness();

-- Which file a version was made of, and where in it each field stands: {"title": "第3页第2段", "body[0]": ...}.
CREATE TABLE version_originals (
    entry_id text    NOT NULL,
    version  integer NOT NULL,
    original bytea   NOT NULL REFERENCES originals,
    name     text    NOT NULL, -- what the file was called: the same file may come under two names
    fields   jsonb   NOT NULL,
    PRIMARY KEY (entry_id, version),
    CONSTRAINT version_of_original FOREIGN KEY (entry_id, version) REFERENCES entry_versions (entry_id, version)
);
-- The entries that a file gave, for the console.
CREATE INDEX version_originals_original ON version_originals (original);

-- +goose Down
DROP TABLE version_originals, originals;
DROP TRIGGER version_completeness_is_immutable ON entry_versions;
DROP FUNCTION keep_version_completeness;
ALTER TABLE passages DROP COLUMN complete; -- with its two constraints
ALTER TABLE entry_versions DROP COLUMN complete; -- with its three
ALTER TABLE entry_versions ADD CONSTRAINT version_rebuttal_has_verdict CHECK (
    CASE document ->> 'kind'
        WHEN 'rebuttal' THEN document ->> 'verdict' IN ('false', 'misleading', 'partly_true', 'true', 'unproven')
                             AND document ->> 'verdict' IS NOT NULL
        WHEN 'guide' THEN document ->> 'verdict' IS NULL
        ELSE false
    END) NOT VALID; -- incomplete drafts that are there stay: versions are never deleted
