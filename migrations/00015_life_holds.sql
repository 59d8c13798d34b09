-- +goose Up

-- Everybody whose saved change is part of the text since it was last published counts as its author, not only who saved last.
ALTER TABLE entry_versions ADD COLUMN authors bigint[] NOT NULL DEFAULT '{}'; -- kept by a trigger
UPDATE entry_versions v SET authors = ARRAY(
    SELECT DISTINCT w.author_id FROM entry_versions w
     WHERE w.entry_id = v.entry_id AND w.version <= v.version AND w.author_id IS NOT NULL
       AND w.version > coalesce((SELECT max(p.version) FROM entry_versions p
           WHERE p.entry_id = v.entry_id AND p.version < v.version AND p.published_at IS NOT NULL AND NOT p.emergency), 0)
     ORDER BY w.author_id);

-- +goose StatementBegin
CREATE FUNCTION carry_authors() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before entry_versions; -- what this one was made of; an emergency was no review of it
BEGIN
    SELECT * INTO before FROM entry_versions WHERE entry_id = NEW.entry_id AND version < NEW.version ORDER BY version DESC LIMIT 1;
    NEW.authors := ARRAY(SELECT DISTINCT a FROM unnest(
        CASE WHEN before.published_at IS NULL OR before.emergency THEN coalesce(before.authors, '{}') ELSE '{}' END || NEW.author_id) a
        WHERE a IS NOT NULL ORDER BY a);
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER version_carries_authors BEFORE INSERT ON entry_versions FOR EACH ROW EXECUTE FUNCTION carry_authors();

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION keep_version_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'version %/% cannot be deleted: withdraw it', OLD.entry_id, OLD.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_is_immutable';
    END IF;
    IF (NEW.entry_id, NEW.version, NEW.content_hash, NEW.document, NEW.created_at, NEW.author_id, NEW.authors,
        NEW.needs_experts, NEW.needs_editors, NEW.needs_reviewers, NEW.months)
        IS DISTINCT FROM (OLD.entry_id, OLD.version, OLD.content_hash, OLD.document, OLD.created_at, OLD.author_id, OLD.authors,
        OLD.needs_experts, OLD.needs_editors, OLD.needs_reviewers, OLD.months) THEN
        RAISE EXCEPTION 'version %/% cannot be changed: make a new one', OLD.entry_id, OLD.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_is_immutable';
    END IF;
    -- who ended stays ended: a withdrawn or superseded version is never served again
    IF OLD.status IN ('withdrawn', 'superseded') AND NEW.status <> OLD.status THEN
        RAISE EXCEPTION 'version %/% has ended', OLD.entry_id, OLD.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_ends_once';
    END IF;
    -- nothing is published whose signatures have run out: it would be served to nobody in place of what is
    IF NEW.status = 'published' AND OLD.status <> 'published' AND NEW.expires_at <= NEW.published_at THEN
        RAISE EXCEPTION 'version %/% was signed too long ago', OLD.entry_id, OLD.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_published_in_its_life';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- The counts are the triggers' on reviews. Depth 0: a statement of a session's own.
-- +goose StatementBegin
CREATE FUNCTION keep_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the signatures of version %/% are counted, not written', OLD.entry_id, OLD.version
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_counts_follow_reviews';
END $$;
-- +goose StatementEnd
CREATE TRIGGER version_counts_follow_reviews BEFORE UPDATE ON entry_versions FOR EACH ROW
    WHEN (pg_trigger_depth() = 0 AND
        (NEW.approvals, NEW.experts, NEW.editors, NEW.publishers, NEW.foreign_experts, NEW.foreign_editors, NEW.round) IS DISTINCT FROM
        (OLD.approvals, OLD.experts, OLD.editors, OLD.publishers, OLD.foreign_experts, OLD.foreign_editors, OLD.round))
    EXECUTE FUNCTION keep_counts();

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION sign_review() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v entry_versions;
    p people;
BEGIN
    -- publishing, editing and other signatures wait here, or were there first
    SELECT * INTO v FROM entry_versions WHERE entry_id = NEW.entry_id AND version = NEW.version FOR UPDATE;
    IF NOT (v.status = 'in_review' OR v.status = 'published' AND v.emergency) THEN
        RAISE EXCEPTION 'version %/% is % and not under review', NEW.entry_id, NEW.version, v.status
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'review_of_submitted';
    END IF;
    -- an emergency that nobody confirmed in time is over; it can still be sent back
    IF v.status = 'published' AND NEW.decision = 'approve' AND v.expires_at <= NEW.reviewed_at THEN
        RAISE EXCEPTION 'the emergency of version %/% is over', NEW.entry_id, NEW.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'review_of_lapsed_emergency';
    END IF;
    SELECT * INTO p FROM people WHERE id = NEW.reviewer_id AND disabled_at IS NULL FOR SHARE;
    IF NOT FOUND OR NOT EXISTS (SELECT FROM person_roles r WHERE r.person_id = p.id AND r.role = NEW.role) THEN
        RAISE EXCEPTION 'person % may not sign as %', NEW.reviewer_id, NEW.role
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'review_by_role';
    END IF;
    IF p.id = ANY (v.authors) THEN
        RAISE EXCEPTION 'person % wrote version %/% or a part of it', p.id, NEW.entry_id, NEW.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'review_not_by_author';
    END IF;
    NEW.round := v.round;
    NEW.reviewer := p.name; NEW.title := p.title; NEW.institution := p.institution;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- Somebody can always manage the staff list: the last enabled administrator is not taken away. Those who try at once wait for each other.
-- +goose StatementBegin
CREATE FUNCTION keep_administrator() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('qiuzhen people'));
    IF TG_TABLE_NAME = 'people' THEN
        IF NOT EXISTS (SELECT FROM person_roles WHERE person_id = NEW.id AND role = 'administrator') THEN
            RETURN NULL;
        END IF;
    ELSIF NOT EXISTS (SELECT FROM people WHERE id = OLD.person_id AND disabled_at IS NULL) THEN
        RETURN NULL;
    END IF;
    IF NOT EXISTS (SELECT FROM people p JOIN person_roles r ON r.person_id = p.id
                    WHERE r.role = 'administrator' AND p.disabled_at IS NULL) THEN
        RAISE EXCEPTION 'no administrator would be left'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'administrator_stays';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER administrator_stays AFTER UPDATE ON people FOR EACH ROW
    WHEN (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL) EXECUTE FUNCTION keep_administrator();
CREATE TRIGGER administrator_stays AFTER DELETE OR UPDATE ON person_roles FOR EACH ROW
    WHEN (OLD.role = 'administrator') EXECUTE FUNCTION keep_administrator();

-- +goose Down
SELECT 1/0; -- who wrote a part of a version would be forgotten
