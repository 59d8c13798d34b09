-- +goose Up

-- The staff. A signature names a person of this table, never a typed name.
CREATE TABLE people (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login         text        NOT NULL UNIQUE,
    name          text        NOT NULL,
    title         text        NOT NULL DEFAULT '', -- 主任医师
    institution   text        NOT NULL DEFAULT '',
    password_hash text        NOT NULL, -- argon2id, as a PHC string
    failures      integer     NOT NULL DEFAULT 0, -- wrong passwords in a row
    locked_until  timestamptz NOT NULL DEFAULT '-infinity',
    disabled_at   timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT person_login_is_plain CHECK (login ~ '^[a-z0-9][a-z0-9._-]{1,31}$'),
    CONSTRAINT person_has_name CHECK (name <> '')
);

CREATE TABLE person_roles (
    person_id bigint NOT NULL REFERENCES people,
    role      text   NOT NULL,
    PRIMARY KEY (person_id, role),
    CONSTRAINT role_known CHECK (role IN ('author', 'editor', 'expert', 'publisher', 'administrator'))
);

-- What a topic asks for before it is published. A version keeps the policy of its day.
CREATE TABLE review_policies (
    topic     text    PRIMARY KEY,
    experts   integer NOT NULL, -- signatures by content experts
    editors   integer NOT NULL, -- signatures by editors
    reviewers integer NOT NULL, -- signatures by either, in all
    months    integer NOT NULL, -- served so long after the last signature
    CONSTRAINT policy_asks_for_somebody CHECK (experts >= 0 AND editors >= 0 AND reviewers >= 1 AND months BETWEEN 1 AND 60)
);
INSERT INTO review_policies (topic, experts, editors, reviewers, months) VALUES
    ('health', 1, 1, 2, 6), ('disaster', 1, 1, 2, 12), ('fraud', 0, 0, 1, 12), ('rumour', 0, 0, 1, 12);

ALTER TABLE entry_versions
    ADD COLUMN author_id       bigint REFERENCES people, -- null: brought in by the program itself
    ADD COLUMN round           integer NOT NULL DEFAULT 1, -- of reviewing; a return begins the next
    ADD COLUMN experts         integer NOT NULL DEFAULT 0, -- signatures of this round, kept by a trigger like approvals
    ADD COLUMN editors         integer NOT NULL DEFAULT 0,
    ADD COLUMN publishers      integer NOT NULL DEFAULT 0,
    ADD COLUMN needs_experts   integer NOT NULL DEFAULT 0,
    ADD COLUMN needs_editors   integer NOT NULL DEFAULT 0,
    ADD COLUMN needs_reviewers integer NOT NULL DEFAULT 1,
    ADD COLUMN months          integer NOT NULL DEFAULT 12,
    ADD COLUMN emergency       boolean NOT NULL DEFAULT false, -- 紧急核发: published before it was fully reviewed
    ADD COLUMN reason          text    NOT NULL DEFAULT '', -- for its withdrawal
    DROP CONSTRAINT version_published_has_reviews,
    -- Nothing is served as vetted that was not reviewed, whoever asks and in whatever order.
    ADD CONSTRAINT version_published_has_reviews CHECK (status <> 'published'
        OR experts >= needs_experts AND editors >= needs_editors AND approvals >= needs_reviewers
        OR emergency AND publishers >= 2 AND expires_at <= published_at + interval '24 hours');

ALTER TABLE reviews
    ADD COLUMN reviewer_id bigint NOT NULL REFERENCES people,
    ADD COLUMN round       integer NOT NULL,
    ADD COLUMN comment     text    NOT NULL DEFAULT '',
    ADD CONSTRAINT review_role_signs CHECK (role IN ('expert', 'editor', 'publisher')),
    ADD CONSTRAINT review_return_has_comment CHECK (decision = 'approve' OR comment <> '');
-- Two signatures are two people.
CREATE UNIQUE INDEX one_review_each ON reviews (entry_id, version, round, reviewer_id);

-- +goose StatementBegin
CREATE FUNCTION take_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT experts, editors, reviewers, months INTO NEW.needs_experts, NEW.needs_editors, NEW.needs_reviewers, NEW.months
      FROM review_policies WHERE topic = NEW.document ->> 'topic';
    IF NOT FOUND THEN -- the strictest
        NEW.needs_experts := 1; NEW.needs_editors := 1; NEW.needs_reviewers := 2; NEW.months := 6;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER version_takes_policy BEFORE INSERT ON entry_versions FOR EACH ROW EXECUTE FUNCTION take_policy();

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION keep_version_content() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'version %/% cannot be deleted: withdraw it', OLD.entry_id, OLD.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_is_immutable';
    END IF;
    IF (NEW.entry_id, NEW.version, NEW.content_hash, NEW.document, NEW.created_at, NEW.author_id,
        NEW.needs_experts, NEW.needs_editors, NEW.needs_reviewers, NEW.months)
        IS DISTINCT FROM (OLD.entry_id, OLD.version, OLD.content_hash, OLD.document, OLD.created_at, OLD.author_id,
        OLD.needs_experts, OLD.needs_editors, OLD.needs_reviewers, OLD.months) THEN
        RAISE EXCEPTION 'version %/% cannot be changed: make a new one', OLD.entry_id, OLD.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_is_immutable';
    END IF;
    -- who ended stays ended: a withdrawn or superseded version is never served again
    IF OLD.status IN ('withdrawn', 'superseded') AND NEW.status <> OLD.status THEN
        RAISE EXCEPTION 'version %/% has ended', OLD.entry_id, OLD.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_ends_once';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- A signature: of what is under review, by somebody who holds the role and did not write it, in the name that the staff list has.
-- +goose StatementBegin
CREATE FUNCTION sign_review() RETURNS trigger LANGUAGE plpgsql AS $$
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
    SELECT * INTO p FROM people WHERE id = NEW.reviewer_id AND disabled_at IS NULL FOR SHARE;
    IF NOT FOUND OR NOT EXISTS (SELECT FROM person_roles r WHERE r.person_id = p.id AND r.role = NEW.role) THEN
        RAISE EXCEPTION 'person % may not sign as %', NEW.reviewer_id, NEW.role
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'review_by_role';
    END IF;
    IF v.author_id = p.id THEN
        RAISE EXCEPTION 'person % wrote version %/%', p.id, NEW.entry_id, NEW.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'review_not_by_author';
    END IF;
    NEW.round := v.round;
    NEW.reviewer := p.name; NEW.title := p.title; NEW.institution := p.institution;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER review_is_entitled BEFORE INSERT ON reviews FOR EACH ROW EXECUTE FUNCTION sign_review();

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION count_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.decision = 'approve' THEN
        UPDATE entry_versions SET approvals = approvals + (NEW.role IN ('expert', 'editor'))::int,
               experts = experts + (NEW.role = 'expert')::int, editors = editors + (NEW.role = 'editor')::int,
               publishers = publishers + (NEW.role = 'publisher')::int
         WHERE entry_id = NEW.entry_id AND version = NEW.version;
    ELSE -- sent back: whoever approved before has to look again; what was published in an emergency is taken back
        UPDATE entry_versions SET approvals = 0, experts = 0, editors = 0, publishers = 0, round = round + 1,
               status = CASE status WHEN 'published' THEN 'withdrawn' ELSE 'draft' END,
               reason = CASE status WHEN 'published' THEN NEW.comment ELSE reason END
         WHERE entry_id = NEW.entry_id AND version = NEW.version;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose Down
SELECT 1/0; -- reviews would lose their signers
