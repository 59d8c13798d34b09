-- +goose Up

-- A version is made without a signature: that its counts are not written afterwards is held already (00015), but a new row could bring
-- them, and then be published. Rows that were counted come in by a restore, which makes the triggers last.
-- +goose StatementBegin
CREATE FUNCTION begin_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the signatures of version %/% are counted, not brought along', NEW.entry_id, NEW.version
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_begins_unsigned';
END $$;
-- +goose StatementEnd
CREATE TRIGGER version_begins_unsigned BEFORE INSERT ON entry_versions FOR EACH ROW
    WHEN ((NEW.approvals, NEW.experts, NEW.editors, NEW.publishers, NEW.foreign_experts, NEW.foreign_editors, NEW.round)
        IS DISTINCT FROM (0, 0, 0, 0, 0, 0, 1))
    EXECUTE FUNCTION begin_counts();

-- +goose Down
DROP TRIGGER version_begins_unsigned ON entry_versions;
DROP FUNCTION begin_counts;
