-- +goose Up

-- How far the experts' review of evaluation cases has come (eval/cases/annotate.go): labelled by two people who see neither each other's labels
-- nor the expected ones, settled by a third where the two differ, signed by an expert, locked. All is bound to the hash of one version;
-- a newer version of a case voids the signatures of the older one. No step can be left out, whoever writes the rows.
CREATE TABLE case_versions (
    case_id  text        NOT NULL,
    version  integer     NOT NULL,
    hash     bytea       NOT NULL, -- cases.Case.Hash
    document jsonb       NOT NULL, -- cases.Case as it was read
    expected text        NOT NULL, -- cases.Case.Expected: what labels of this case have to say for it to be right
    status   text        NOT NULL DEFAULT 'draft',
    added_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, version),
    CONSTRAINT case_hash UNIQUE (case_id, version, hash),
    CONSTRAINT case_hash_is_sha256 CHECK (octet_length(hash) = 32),
    CONSTRAINT case_counts_versions CHECK (version >= 1),
    CONSTRAINT case_status_known CHECK (status IN ('draft', 'annotated', 'adjudicated', 'approved', 'locked', 'void'))
);
CREATE UNIQUE INDEX case_has_one_version ON case_versions (case_id) WHERE status <> 'void';

-- What one person says of a case. judged is the part of the label that the case is about (cases.Case.Judged): two labels agree when it is the same.
CREATE TABLE case_annotations (
    case_id   text        NOT NULL,
    version   integer     NOT NULL,
    hash      bytea       NOT NULL,
    person_id bigint      NOT NULL REFERENCES people,
    label     jsonb       NOT NULL, -- cases.Label
    judged    text        NOT NULL,
    remark    text        NOT NULL DEFAULT '',
    at        timestamptz NOT NULL,
    PRIMARY KEY (case_id, version, person_id), -- two labels are two people's
    CONSTRAINT case_annotation_binds_hash FOREIGN KEY (case_id, version, hash) REFERENCES case_versions (case_id, version, hash),
    CONSTRAINT case_remark_is_bounded CHECK (length(remark) <= 2000)
);

CREATE TABLE case_adjudications (
    case_id   text        NOT NULL,
    version   integer     NOT NULL,
    hash      bytea       NOT NULL,
    person_id bigint      NOT NULL REFERENCES people,
    label     jsonb       NOT NULL,
    judged    text        NOT NULL,
    reason    text        NOT NULL,
    at        timestamptz NOT NULL,
    CONSTRAINT case_is_settled_once PRIMARY KEY (case_id, version),
    CONSTRAINT case_adjudication_binds_hash FOREIGN KEY (case_id, version, hash) REFERENCES case_versions (case_id, version, hash),
    CONSTRAINT case_adjudication_has_reason CHECK (length(reason) BETWEEN 1 AND 2000)
);

CREATE TABLE case_approvals (
    case_id     text        NOT NULL,
    version     integer     NOT NULL,
    hash        bytea       NOT NULL,
    person_id   bigint      NOT NULL REFERENCES people,
    reviewer    text        NOT NULL, -- as the staff list had her that day; the trigger's
    title       text        NOT NULL,
    institution text        NOT NULL,
    at          timestamptz NOT NULL,
    CONSTRAINT case_is_signed_once_each PRIMARY KEY (case_id, version, person_id),
    CONSTRAINT case_approval_binds_hash FOREIGN KEY (case_id, version, hash) REFERENCES case_versions (case_id, version, hash)
);

-- case_settled is what the experts conclude of a version: of whoever settled it, else of all who labelled it, when they are two at
-- least and agree; else null.
-- +goose StatementBegin
CREATE FUNCTION case_settled(id text, v integer) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT judged FROM case_adjudications WHERE case_id = id AND version = v),
        (SELECT min(judged) FROM case_annotations WHERE case_id = id AND version = v
         HAVING count(*) >= 2 AND min(judged) = max(judged)))
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION person_may_review(person bigint, roles text[]) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM people WHERE id = person AND disabled_at IS NULL FOR SHARE;
    RETURN FOUND AND EXISTS (SELECT FROM person_roles r WHERE r.person_id = person AND r.role = ANY (roles));
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION new_case_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> 'draft' THEN
        RAISE EXCEPTION 'case %/% begins as a draft', NEW.case_id, NEW.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'case_goes_step_by_step';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('qiuzhen cases')); -- two newer versions at once; one lock for thousands of cases
    IF EXISTS (SELECT FROM case_versions WHERE case_id = NEW.case_id AND version >= NEW.version) THEN
        RAISE EXCEPTION 'case % has version % or a newer one', NEW.case_id, NEW.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'case_version_is_newer';
    END IF;
    UPDATE case_versions SET status = 'void' WHERE case_id = NEW.case_id AND status <> 'void';
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER case_version_is_newer BEFORE INSERT ON case_versions FOR EACH ROW EXECUTE FUNCTION new_case_version();

-- What a status says has to be so. From void there is no way back.
-- +goose StatementBegin
CREATE FUNCTION keep_case_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    so boolean;
BEGIN
    IF TG_OP = 'DELETE' OR (NEW.case_id, NEW.version, NEW.hash, NEW.document, NEW.expected, NEW.added_at)
        IS DISTINCT FROM (OLD.case_id, OLD.version, OLD.hash, OLD.document, OLD.expected, OLD.added_at) THEN
        RAISE EXCEPTION 'case %/% cannot be changed: make a new version', OLD.case_id, OLD.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'case_is_immutable';
    END IF;
    so := CASE NEW.status
        WHEN OLD.status THEN true
        WHEN 'annotated' THEN OLD.status = 'draft'
            AND (SELECT count(*) >= 2 FROM case_annotations a WHERE a.case_id = OLD.case_id AND a.version = OLD.version)
        WHEN 'adjudicated' THEN OLD.status = 'annotated'
            AND EXISTS (SELECT FROM case_adjudications a WHERE a.case_id = OLD.case_id AND a.version = OLD.version)
        WHEN 'approved' THEN OLD.status IN ('annotated', 'adjudicated') AND case_settled(OLD.case_id, OLD.version) = OLD.expected
            AND EXISTS (SELECT FROM case_approvals a WHERE a.case_id = OLD.case_id AND a.version = OLD.version)
        WHEN 'locked' THEN OLD.status = 'approved'
        WHEN 'void' THEN pg_trigger_depth() > 1 -- a newer version's
        ELSE false END;
    IF so IS NOT TRUE THEN
        RAISE EXCEPTION 'case %/% cannot go from % to %', OLD.case_id, OLD.version, OLD.status, NEW.status
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'case_goes_step_by_step';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER case_is_kept BEFORE UPDATE OR DELETE ON case_versions FOR EACH ROW EXECUTE FUNCTION keep_case_version();

-- A label can be changed by its author until the second one is there: from then on the two could know of each other.
-- +goose StatementBegin
CREATE FUNCTION check_case_annotation() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stands text;
BEGIN
    SELECT status INTO stands FROM case_versions WHERE case_id = NEW.case_id AND version = NEW.version FOR UPDATE;
    IF NOT (stands = 'draft' OR stands = 'annotated' AND TG_OP = 'INSERT')
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
CREATE TRIGGER case_annotation_is_entitled BEFORE INSERT OR UPDATE ON case_annotations FOR EACH ROW EXECUTE FUNCTION check_case_annotation();

-- +goose StatementBegin
CREATE FUNCTION count_case_annotation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE case_versions v SET status = 'annotated'
     WHERE v.case_id = NEW.case_id AND v.version = NEW.version AND v.status = 'draft'
       AND (SELECT count(*) FROM case_annotations a WHERE a.case_id = NEW.case_id AND a.version = NEW.version) >= 2;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER case_annotation_counts AFTER INSERT ON case_annotations FOR EACH ROW EXECUTE FUNCTION count_case_annotation();

-- +goose StatementBegin
CREATE FUNCTION check_case_adjudication() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stands text;
BEGIN
    SELECT status INTO stands FROM case_versions WHERE case_id = NEW.case_id AND version = NEW.version FOR UPDATE;
    IF stands IS DISTINCT FROM 'annotated' OR case_settled(NEW.case_id, NEW.version) IS NOT NULL THEN
        RAISE EXCEPTION 'case %/% is % and has nothing to settle', NEW.case_id, NEW.version, stands
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'case_adjudication_of_difference';
    END IF;
    IF EXISTS (SELECT FROM case_annotations a WHERE a.case_id = NEW.case_id AND a.version = NEW.version AND a.person_id = NEW.person_id) THEN
        RAISE EXCEPTION 'person % labelled case %/%', NEW.person_id, NEW.case_id, NEW.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'case_adjudication_by_a_third';
    END IF;
    IF NOT person_may_review(NEW.person_id, ARRAY['expert', 'editor']) THEN
        RAISE EXCEPTION 'person % may not settle cases', NEW.person_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'case_adjudication_by_role';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER case_adjudication_is_entitled BEFORE INSERT ON case_adjudications FOR EACH ROW EXECUTE FUNCTION check_case_adjudication();

-- +goose StatementBegin
CREATE FUNCTION check_case_approval() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v case_versions;
    p people;
    settled text;
BEGIN
    SELECT * INTO v FROM case_versions WHERE case_id = NEW.case_id AND version = NEW.version FOR UPDATE;
    settled := case_settled(NEW.case_id, NEW.version);
    IF v.status NOT IN ('annotated', 'adjudicated', 'approved') OR settled IS NULL THEN
        RAISE EXCEPTION 'case %/% is % and not settled', NEW.case_id, NEW.version, v.status
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'case_approval_of_settled';
    END IF;
    IF settled <> v.expected THEN
        RAISE EXCEPTION 'case %/% expects % and not %', NEW.case_id, NEW.version, v.expected, settled
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'case_approval_of_what_is_right';
    END IF;
    IF NOT person_may_review(NEW.person_id, ARRAY['expert']) THEN
        RAISE EXCEPTION 'person % is no expert', NEW.person_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'case_approval_by_expert';
    END IF;
    SELECT * INTO p FROM people WHERE id = NEW.person_id;
    NEW.reviewer := p.name; NEW.title := p.title; NEW.institution := p.institution;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER case_approval_is_entitled BEFORE INSERT ON case_approvals FOR EACH ROW EXECUTE FUNCTION check_case_approval();

-- +goose StatementBegin
CREATE FUNCTION advance_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE case_versions SET status = TG_ARGV[0]
     WHERE case_id = NEW.case_id AND version = NEW.version AND status <> TG_ARGV[0];
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER case_adjudication_advances AFTER INSERT ON case_adjudications FOR EACH ROW EXECUTE FUNCTION advance_case('adjudicated');
CREATE TRIGGER case_approval_advances AFTER INSERT ON case_approvals FOR EACH ROW EXECUTE FUNCTION advance_case('approved');

-- +goose StatementBegin
CREATE FUNCTION keep_case_words() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was said of cases is kept'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'case_words_are_kept';
END $$;
-- +goose StatementEnd
CREATE TRIGGER case_annotations_are_kept BEFORE DELETE ON case_annotations FOR EACH STATEMENT EXECUTE FUNCTION keep_case_words();
CREATE TRIGGER case_adjudications_are_kept BEFORE UPDATE OR DELETE ON case_adjudications FOR EACH STATEMENT EXECUTE FUNCTION keep_case_words();
CREATE TRIGGER case_approvals_are_kept BEFORE UPDATE OR DELETE ON case_approvals FOR EACH STATEMENT EXECUTE FUNCTION keep_case_words();

-- +goose Down
SELECT 1/0; -- signatures would be lost
