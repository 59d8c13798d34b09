-- +goose Up

-- What is made from another system's exercise stays an exercise, whoever writes it, and where a broadcast came from is not forgotten by an edit: it is what
-- the approver is shown. Drafts from before this do not say what their alert was (origin_exercise).
ALTER TABLE broadcasts ADD CONSTRAINT broadcast_foreign_exercise_stays
    CHECK (exercise OR NOT coalesce((document::jsonb #>> '{content,origin_exercise}')::boolean, false));

-- +goose StatementBegin
CREATE FUNCTION keep_broadcast_origin() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    was  jsonb := OLD.document::jsonb -> 'content';
    will jsonb := NEW.document::jsonb -> 'content';
BEGIN
    IF (was -> 'origin', was -> 'origin_exercise', was -> 'notes') IS DISTINCT FROM (will -> 'origin', will -> 'origin_exercise', will -> 'notes') THEN
        PERFORM refuse_broadcast('broadcast_origin_stays', format('broadcast %s came from somewhere else', OLD.id));
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
-- after broadcast_3_knows_people; only an edit pays for reading the documents
CREATE TRIGGER broadcast_4_keeps_origin BEFORE UPDATE ON broadcasts FOR EACH ROW
    WHEN (NEW.document <> OLD.document) EXECUTE FUNCTION keep_broadcast_origin();

-- +goose Down
DROP TRIGGER broadcast_4_keeps_origin ON broadcasts;
DROP FUNCTION keep_broadcast_origin();
ALTER TABLE broadcasts DROP CONSTRAINT broadcast_foreign_exercise_stays;
