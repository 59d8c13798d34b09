-- +goose Up

-- When the public last saw a change of a version, but for its expiry, which comes by itself: its publication or the latest signature on it, its
-- withdrawal, or that the draft was made (serve_unsigned). Lists of changes are read a page at a time in this order (postgres/public.go); before, each
-- page read every version's reviews and the audit log.
ALTER TABLE entry_versions ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
UPDATE entry_versions v SET changed_at = CASE v.status
    WHEN 'published' THEN greatest(v.published_at, (SELECT max(reviewed_at) FROM reviews r
         WHERE r.entry_id = v.entry_id AND r.version = v.version AND r.decision = 'approve'))
    WHEN 'withdrawn' THEN coalesce((SELECT max(at) FROM audit_log l
         WHERE l.entry_id = v.entry_id AND l.version = v.version AND l.action IN ('entry.withdrawn', 'review.returned')), v.published_at, v.created_at)
    ELSE v.created_at END;

-- +goose StatementBegin
CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'published' THEN
        NEW.changed_at := greatest(NEW.published_at, (SELECT max(reviewed_at) FROM reviews r
            WHERE r.entry_id = NEW.entry_id AND r.version = NEW.version AND r.decision = 'approve'));
    ELSIF TG_OP = 'INSERT' THEN
        NEW.changed_at := NEW.created_at;
    ELSIF NEW.status = 'withdrawn' AND OLD.status <> 'withdrawn' THEN
        NEW.changed_at := coalesce(NEW.published_at, NEW.created_at); -- the log knows better, below
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER version_notes_change BEFORE INSERT OR UPDATE ON entry_versions FOR EACH ROW EXECUTE FUNCTION note_change();

-- When something was withdrawn is what the audit log says: written in the same transaction, after it, by the one injected clock.
-- +goose StatementBegin
CREATE FUNCTION note_withdrawal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE entry_versions SET changed_at = NEW.at WHERE entry_id = NEW.entry_id AND version = NEW.version AND status = 'withdrawn';
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_dates_withdrawal AFTER INSERT ON audit_log FOR EACH ROW
    WHEN (NEW.action IN ('entry.withdrawn', 'review.returned')) EXECUTE FUNCTION note_withdrawal();

-- A page of changes is a range of one of these: of what is served or was withdrawn, and of what has expired.
CREATE INDEX versions_changed ON entry_versions (changed_at, entry_id) WHERE status <> 'superseded';
CREATE INDEX versions_expired ON entry_versions (expires_at, entry_id) WHERE status = 'published';

-- +goose Down
DROP INDEX versions_changed, versions_expired;
DROP TRIGGER audit_dates_withdrawal ON audit_log;
DROP TRIGGER version_notes_change ON entry_versions;
DROP FUNCTION note_change, note_withdrawal;
ALTER TABLE entry_versions DROP COLUMN changed_at;
