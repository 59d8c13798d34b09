-- +goose Up

-- Runs of cases: what was asked when, with what, and what came of it. Outcomes are stored as they come, so that an interrupted run goes on
-- where it was. A run is never changed once it is finished; comparisons and gates read it.
CREATE TABLE eval_runs (
    id          text        PRIMARY KEY, -- 20261127-104200-5f3a9c: when it began, and what tells two of a second apart
    key         bytea       NOT NULL,    -- SHA-256 of the manifest without times and machine: an unfinished run with the same one is gone on with
    manifest    jsonb       NOT NULL,    -- cases.Manifest
    total       integer     NOT NULL,    -- cases to ask
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT eval_run_key_is_sha256 CHECK (octet_length(key) = 32),
    CONSTRAINT eval_run_asks_something CHECK (total > 0),
    CONSTRAINT eval_run_ends_after_it_began CHECK (finished_at >= started_at)
);
-- Which run to go on with, and the newest finished one.
CREATE INDEX eval_runs_unfinished ON eval_runs (key) WHERE finished_at IS NULL;
CREATE INDEX eval_runs_finished ON eval_runs (started_at) WHERE finished_at IS NOT NULL;

CREATE TABLE eval_outcomes (
    run_id  text  NOT NULL REFERENCES eval_runs ON DELETE CASCADE,
    case_id text  NOT NULL,
    outcome jsonb NOT NULL, -- cases.Outcome
    PRIMARY KEY (run_id, case_id)
);

-- +goose StatementBegin
CREATE FUNCTION eval_run_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM eval_runs WHERE id = NEW.run_id AND finished_at IS NOT NULL) THEN
        RAISE EXCEPTION 'run % is finished', NEW.run_id USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'eval_run_is_final';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER eval_outcome_of_open_run BEFORE INSERT OR UPDATE ON eval_outcomes FOR EACH ROW EXECUTE FUNCTION eval_run_is_final();

-- +goose Down
DROP TABLE eval_outcomes;
DROP TABLE eval_runs;
DROP FUNCTION eval_run_is_final;
