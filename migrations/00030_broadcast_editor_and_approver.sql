-- +goose Up

-- Whether the statement at hand named edited_by: an edit that does not say whose it is would count nobody among the editors, and the one who made it
-- could approve it. A trigger sees only what a row is before and after, not what a statement wrote; UPDATE OF does. Never true when it is read.
ALTER TABLE broadcasts ADD COLUMN edit_named boolean NOT NULL DEFAULT false;

-- +goose StatementBegin
CREATE FUNCTION note_edit_named() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.edit_named := TG_ARGV[0]::boolean;
    RETURN NEW;
END $$;
-- +goose StatementEnd
-- by name: whatever a statement wrote there is forgotten first
CREATE TRIGGER broadcast_0_forgets_naming BEFORE INSERT OR UPDATE ON broadcasts FOR EACH ROW EXECUTE FUNCTION note_edit_named('false');
CREATE TRIGGER broadcast_0_notes_naming BEFORE UPDATE OF edited_by ON broadcasts FOR EACH ROW EXECUTE FUNCTION note_edit_named('true');

-- Who approved still may, at the moment of the fan-out; sign_broadcast asked when the approval was given.
-- +goose StatementBegin
CREATE FUNCTION approver_may(approver bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM people p JOIN person_roles r ON r.person_id = p.id WHERE p.id = approver AND p.disabled_at IS NULL AND r.role = 'publisher')
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION check_broadcast_people() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.hash <> OLD.hash AND NOT NEW.edit_named THEN
        PERFORM refuse_broadcast('broadcast_edit_has_editor', format('an edit of broadcast %s names who made it', OLD.id));
    END IF;
    NEW.edit_named := false;
    IF OLD.state = 'approved' AND NEW.state = 'sending' THEN
        PERFORM FROM people WHERE id = NEW.approved_by FOR SHARE; -- and stays so until it has begun
        IF NOT approver_may(NEW.approved_by) THEN
            PERFORM refuse_broadcast('broadcast_approver_still_may', format('person %s, who approved broadcast %s, is no publisher now', NEW.approved_by, OLD.id));
        END IF;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
-- after broadcast_2_keeps_rules
CREATE TRIGGER broadcast_3_knows_people BEFORE UPDATE ON broadcasts FOR EACH ROW EXECUTE FUNCTION check_broadcast_people();

-- +goose Down
DROP TRIGGER broadcast_3_knows_people ON broadcasts;
DROP TRIGGER broadcast_0_notes_naming ON broadcasts;
DROP TRIGGER broadcast_0_forgets_naming ON broadcasts;
DROP FUNCTION check_broadcast_people();
DROP FUNCTION approver_may(bigint);
DROP FUNCTION note_edit_named();
ALTER TABLE broadcasts DROP COLUMN edit_named;
