-- +goose Up

-- Which city's bundle took a version back; null: it was withdrawn here, and then nothing that a bundle says brings it back.
ALTER TABLE entry_versions
    ADD COLUMN withdrawn_by bytea REFERENCES bundle_keys,
    ADD CONSTRAINT version_taken_back_is_withdrawn CHECK (withdrawn_by IS NULL OR status = 'withdrawn');

UPDATE entry_versions v SET withdrawn_by = b.public_key
  FROM version_bundles b
 WHERE b.entry_id = v.entry_id AND b.version = v.version AND v.status = 'withdrawn' AND v.reason LIKE '转自%，对方已撤下：%'
   AND EXISTS (SELECT FROM audit_log a WHERE a.entry_id = v.entry_id AND a.version = v.version AND a.action = 'entry.withdrawn'
                  AND a.detail ->> 'reason' = v.reason AND a.detail ? 'key');

-- Why a key was distrusted is for the staff: the audit log keeps it.
UPDATE entry_versions v SET reason = '不再采用外地的这一条'
 WHERE v.status = 'withdrawn' AND v.reason LIKE '转自%，不再认可它的钥匙：%'
   AND EXISTS (SELECT FROM version_bundles b WHERE b.entry_id = v.entry_id AND b.version = v.version);

-- +goose StatementBegin
CREATE FUNCTION keep_withdrawn_by() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'who withdrew version %/% cannot be changed', OLD.entry_id, OLD.version
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_withdrawn_by_is_immutable';
END $$;
-- +goose StatementEnd
CREATE TRIGGER version_withdrawn_by_is_immutable BEFORE UPDATE ON entry_versions FOR EACH ROW
    WHEN (OLD.status = 'withdrawn' AND NEW.withdrawn_by IS DISTINCT FROM OLD.withdrawn_by) EXECUTE FUNCTION keep_withdrawn_by();

-- +goose Down
SELECT 1/0; -- what was withdrawn here could come back by another city's bundle
