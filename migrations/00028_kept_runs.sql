-- +goose Up

-- A label is given while the case is a draft: who labels after two are there could have seen what they said. A third label given before that moment
-- counts with the two.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION check_case_annotation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stands text;
BEGIN
    SELECT status INTO stands FROM case_versions WHERE case_id = NEW.case_id AND version = NEW.version FOR UPDATE;
    IF stands IS DISTINCT FROM 'draft'
        OR TG_OP = 'UPDATE' AND (NEW.case_id, NEW.version, NEW.person_id) IS DISTINCT FROM (OLD.case_id, OLD.version, OLD.person_id) THEN
        RAISE EXCEPTION 'case %/% is % and takes no such label', NEW.case_id, NEW.version, stands
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'case_annotation_in_time';
    END IF;
    IF NOT person_may_review(NEW.person_id, ARRAY['expert', 'editor']) THEN
        RAISE EXCEPTION 'person % may not label cases', NEW.person_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'case_annotation_by_role';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- Who signs has neither labelled nor settled what is signed.
-- +goose StatementBegin
CREATE FUNCTION check_case_signer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM case_annotations a WHERE a.case_id = NEW.case_id AND a.version = NEW.version AND a.person_id = NEW.person_id)
        OR EXISTS (SELECT FROM case_adjudications a WHERE a.case_id = NEW.case_id AND a.version = NEW.version AND a.person_id = NEW.person_id) THEN
        RAISE EXCEPTION 'person % labelled or settled case %/%', NEW.person_id, NEW.case_id, NEW.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'case_approval_by_another';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
-- by name after case_approval_is_entitled, whose lock on the version it has
CREATE TRIGGER case_approval_is_of_others BEFORE INSERT ON case_approvals FOR EACH ROW EXECUTE FUNCTION check_case_signer();

-- A finished run stays as it is. It goes, with its outcomes, only through expire_eval_runs, which asks that the same transaction has told the audit log.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION eval_run_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_run text;
    new_run text;
BEGIN
    IF TG_OP <> 'INSERT' THEN old_run := OLD.run_id; END IF;
    IF TG_OP <> 'DELETE' THEN new_run := NEW.run_id; END IF;
    IF EXISTS (SELECT FROM eval_runs WHERE id IN (old_run, new_run) AND finished_at IS NOT NULL) THEN
        RAISE EXCEPTION 'run % is finished', coalesce(old_run, new_run) USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'eval_run_is_final';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
-- +goose StatementEnd
CREATE TRIGGER eval_outcome_is_kept BEFORE DELETE ON eval_outcomes FOR EACH ROW EXECUTE FUNCTION eval_run_is_final();

-- +goose StatementBegin
CREATE FUNCTION keep_eval_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.finished_at IS NOT NULL AND NOT (TG_OP = 'DELETE' AND current_setting('qiuzhen.expires_runs', true) IS NOT DISTINCT FROM pg_current_xact_id()::text) THEN
        RAISE EXCEPTION 'run % is finished', OLD.id USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'eval_run_is_final';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
-- +goose StatementEnd
CREATE TRIGGER eval_run_is_kept BEFORE UPDATE OR DELETE ON eval_runs FOR EACH ROW EXECUTE FUNCTION keep_eval_run();

-- +goose StatementBegin
CREATE FUNCTION keep_eval_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'runs are kept' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'eval_run_is_final';
END $$;
-- +goose StatementEnd
CREATE TRIGGER eval_runs_are_kept BEFORE TRUNCATE ON eval_runs FOR EACH STATEMENT EXECUTE FUNCTION keep_eval_runs();
CREATE TRIGGER eval_outcomes_are_kept BEFORE TRUNCATE ON eval_outcomes FOR EACH STATEMENT EXECUTE FUNCTION keep_eval_runs();

-- expire_eval_runs deletes the finished runs that began before a time, the newest finished one apart, and returns how many. The event is the one that
-- told of it in this transaction.
-- +goose StatementBegin
CREATE FUNCTION expire_eval_runs(before timestamptz) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    n integer;
BEGIN
    IF NOT EXISTS (SELECT FROM audit_log a WHERE a.action = 'eval.runs_expired'
                     AND a.xmin = pg_current_xact_id()::xid) THEN
        RAISE EXCEPTION 'no audit event tells of it' USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'eval_run_is_final';
    END IF;
    PERFORM set_config('qiuzhen.expires_runs', pg_current_xact_id()::text, true);
    DELETE FROM eval_runs WHERE finished_at IS NOT NULL AND started_at < before
       AND id <> (SELECT id FROM eval_runs WHERE finished_at IS NOT NULL ORDER BY started_at DESC, id LIMIT 1);
    GET DIAGNOSTICS n = ROW_COUNT;
    PERFORM set_config('qiuzhen.expires_runs', '', true);
    RETURN n;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1/0; -- 00023 has no way back either
