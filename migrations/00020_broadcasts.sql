-- +goose Up

-- A message to many. What is said, to whom, when and whether it is an exercise lies in one document, whose SHA-256 is what a second person
-- approves; every column that follows from the document is set by the trigger, so that no statement can make them differ.
--
-- All of its times are the database's clock (clock_timestamp): one clock for all nodes, so that a node whose own clock has stepped neither
-- prolongs an approval nor sends after the last hour. Where the database's clock steps, an approval ends sooner, or holds longer by the step.
CREATE TABLE broadcasts (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identifier    text        NOT NULL UNIQUE, -- CAP's
    document      text        NOT NULL,        -- knowledge.Broadcast.Document
    hash          bytea       NOT NULL,        -- from here to expires_at: of the document
    msg_type      text        NOT NULL,
    exercise      boolean     NOT NULL,
    references_id bigint      REFERENCES broadcasts, -- what it updates or cancels
    headline      text        NOT NULL,
    entry_id      text,       -- that it was made from, with the version that has to be published
    version       integer,
    send_at       timestamptz, -- null: at once
    expires_at    timestamptz NOT NULL,
    state         text        NOT NULL DEFAULT 'draft',
    revision      integer     NOT NULL DEFAULT 1,
    edited_by     bigint      REFERENCES people, -- of this revision; null: the program
    editors       bigint[]    NOT NULL DEFAULT '{}', -- of all revisions, with who submitted it: none of them approves
    submitted_by  bigint      REFERENCES people,
    submitted_at  timestamptz,
    approved_by   bigint      REFERENCES people, -- from here to approved_hash: of broadcast_approvals alone
    approved_at   timestamptz,
    approved_hash bytea,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    begun_at      timestamptz, -- the fan-out
    ended_at      timestamptz,
    CONSTRAINT broadcast_state_known CHECK (state IN ('draft', 'submitted', 'approved', 'sending', 'paused', 'done', 'cancelled', 'expired')),
    CONSTRAINT broadcast_type_known CHECK (msg_type IN ('Alert', 'Update', 'Cancel')),
    CONSTRAINT broadcast_is_bounded CHECK (length(document) <= 200000 AND identifier ~ '^[A-Za-z0-9.-]{1,80}$'),
    CONSTRAINT broadcast_corrects_something CHECK ((msg_type = 'Alert') = (references_id IS NULL)),
    CONSTRAINT broadcast_correction_has_no_audience CHECK (msg_type = 'Alert'
        OR NOT jsonb_path_exists(document::jsonb -> 'audience', '$.*.size() ? (@ > 0)')),
    -- two people, whoever asks and in whatever order
    CONSTRAINT broadcast_sent_is_approved CHECK (state IN ('draft', 'submitted') OR state IN ('cancelled', 'expired') AND begun_at IS NULL
        OR approved_by IS NOT NULL AND approved_hash IS NOT DISTINCT FROM hash AND cardinality(editors) > 0 AND approved_by <> ALL (editors)),
    CONSTRAINT broadcast_submitted_by_person CHECK (state IN ('draft', 'cancelled') OR submitted_by IS NOT NULL),
    CONSTRAINT broadcast_blanks_filled CHECK (state IN ('draft', 'cancelled') OR document !~ '〔[^〕]*〕'),
    -- an exercise says so before anything else, on every channel, and nothing else does
    CONSTRAINT broadcast_exercise_says_so CHECK (jsonb_typeof(document::jsonb -> 'texts') = 'object'
        AND NOT jsonb_path_exists(document::jsonb -> 'texts', CASE WHEN exercise
            THEN '$.* ? (!(@ starts with "【演练】"))' ELSE '$.* ? (@ starts with "【演练】")' END::jsonpath))
);
CREATE INDEX broadcasts_open ON broadcasts (state, send_at) WHERE state IN ('submitted', 'approved', 'sending', 'paused');
CREATE INDEX broadcasts_references ON broadcasts (references_id) WHERE references_id IS NOT NULL;
CREATE INDEX broadcasts_entry ON broadcasts (entry_id) WHERE entry_id IS NOT NULL;
CREATE INDEX audit_log_broadcast ON audit_log ((detail ->> 'broadcast')) WHERE detail ? 'broadcast';

-- Each approval there was. Who approves an exercise has not approved the same as a real one: another document, another hash.
CREATE TABLE broadcast_approvals (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    broadcast_id bigint      NOT NULL REFERENCES broadcasts,
    revision     integer     NOT NULL,
    hash         bytea       NOT NULL,
    person_id    bigint      NOT NULL REFERENCES people,
    typed        text        NOT NULL DEFAULT '', -- by hand, to send for real: the headline or 实际发布
    at           timestamptz NOT NULL
);
CREATE INDEX broadcast_approvals_of ON broadcast_approvals (broadcast_id, id);

-- An approval holds for two hours, or for two hours after the hour that was approved; one that is dated in the future is of a clock that was wrong.
-- +goose StatementBegin
CREATE FUNCTION approval_holds(approved timestamptz, send timestamptz, clock timestamptz) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(clock < greatest(approved, send) + interval '2 hours' AND approved <= clock + interval '1 minute', false)
$$;
-- +goose StatementEnd

-- What it was made from is still served: nothing is sent on the word of an entry that was withdrawn or replaced.
-- +goose StatementBegin
CREATE FUNCTION broadcast_entry_served(entry text, number integer, clock timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT entry IS NULL OR EXISTS (SELECT FROM entry_versions v
        WHERE v.entry_id = entry AND v.version = number AND v.status = 'published' AND v.expires_at > clock)
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION refuse_broadcast(rule text, said text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', said USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = rule;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION read_broadcast() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    doc jsonb := NEW.document::jsonb;
    of  broadcasts; -- the original
BEGIN
    NEW.hash := sha256(convert_to(NEW.document, 'UTF8'));
    NEW.msg_type := doc ->> 'type';
    NEW.exercise := (doc ->> 'exercise')::boolean;
    NEW.references_id := nullif((doc ->> 'references')::bigint, 0);
    NEW.headline := doc -> 'content' ->> 'headline';
    NEW.entry_id := doc -> 'content' ->> 'entry';
    NEW.version := (doc -> 'content' ->> 'version')::integer;
    NEW.send_at := (doc ->> 'send_at')::timestamptz;
    NEW.expires_at := (doc ->> 'expires')::timestamptz;
    IF NEW.references_id IS NOT NULL THEN
        SELECT * INTO of FROM broadcasts WHERE id = NEW.references_id;
        IF of.begun_at IS NULL OR of.msg_type = 'Cancel' OR of.id = NEW.id THEN
            PERFORM refuse_broadcast('broadcast_corrects_what_was_sent', format('broadcast %s was not sent', NEW.references_id));
        END IF;
        IF of.exercise <> NEW.exercise THEN
            PERFORM refuse_broadcast('broadcast_corrects_its_kind', format('broadcast %s is another kind', NEW.references_id));
        END IF;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION keep_broadcast() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    clock timestamptz := clock_timestamp();
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM refuse_broadcast('broadcast_stays', format('broadcast %s cannot be deleted: cancel it', OLD.id));
    ELSIF TG_OP = 'INSERT' THEN
        NEW.state := 'draft'; NEW.revision := 1; NEW.editors := array_remove(ARRAY[NEW.edited_by], NULL);
        NEW.submitted_by := NULL; NEW.submitted_at := NULL; NEW.begun_at := NULL; NEW.ended_at := NULL;
        NEW.approved_by := NULL; NEW.approved_at := NULL; NEW.approved_hash := NULL;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.identifier, NEW.created_at) IS DISTINCT FROM (OLD.id, OLD.identifier, OLD.created_at) THEN
        PERFORM refuse_broadcast('broadcast_stays', format('broadcast %s keeps its names', OLD.id));
    END IF;
    -- depth 1: a statement of a session's own, not the one of sign_broadcast
    IF pg_trigger_depth() = 1 AND (NEW.state = 'approved' AND OLD.state <> 'approved' OR (NEW.approved_by, NEW.approved_at, NEW.approved_hash)
        IS DISTINCT FROM (OLD.approved_by, OLD.approved_at, OLD.approved_hash)) THEN
        PERFORM refuse_broadcast('broadcast_approval_is_signed', format('broadcast %s is approved by a signature only', OLD.id));
    END IF;
    NEW.editors := OLD.editors; NEW.revision := OLD.revision; NEW.begun_at := OLD.begun_at; NEW.ended_at := OLD.ended_at;
    IF NEW.hash <> OLD.hash THEN -- an edit voids whatever was decided
        IF OLD.state NOT IN ('draft', 'submitted', 'approved') THEN
            PERFORM refuse_broadcast('broadcast_begun_is_immutable', format('broadcast %s is %s', OLD.id, OLD.state));
        END IF;
        NEW.state := 'draft'; NEW.revision := OLD.revision + 1;
        NEW.editors := ARRAY(SELECT DISTINCT e FROM unnest(OLD.editors || NEW.edited_by) e WHERE e IS NOT NULL ORDER BY e);
    ELSIF NEW.edited_by IS DISTINCT FROM OLD.edited_by THEN
        PERFORM refuse_broadcast('broadcast_stays', format('nobody edited broadcast %s', OLD.id));
    END IF;
    -- who submits is counted among the editors below, and nobody else is written in
    IF NEW.submitted_by IS DISTINCT FROM OLD.submitted_by AND (NEW.state = OLD.state OR NEW.state <> 'submitted') AND NEW.state <> 'draft' THEN
        PERFORM refuse_broadcast('broadcast_stays', format('nobody submitted broadcast %s', OLD.id));
    END IF;
    IF NEW.state <> OLD.state THEN
        PERFORM check_broadcast_step(OLD, NEW, clock);
        IF NEW.state = 'submitted' THEN
            NEW.submitted_at := clock;
            NEW.editors := ARRAY(SELECT DISTINCT e FROM unnest(NEW.editors || NEW.submitted_by) e WHERE e IS NOT NULL ORDER BY e);
        ELSIF NEW.state = 'sending' THEN
            NEW.begun_at := coalesce(OLD.begun_at, clock);
        ELSIF NEW.state IN ('done', 'cancelled', 'expired') THEN
            NEW.ended_at := clock;
        END IF;
    END IF;
    IF NEW.state = 'draft' THEN
        NEW.submitted_by := NULL; NEW.submitted_at := NULL;
    END IF;
    IF NEW.state IN ('draft', 'submitted') THEN
        NEW.approved_by := NULL; NEW.approved_at := NULL; NEW.approved_hash := NULL;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION check_broadcast_step(was broadcasts, will broadcasts, clock timestamptz) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF (was.state, will.state) NOT IN (('draft', 'submitted'), ('draft', 'cancelled'),
        ('submitted', 'draft'), ('submitted', 'approved'), ('submitted', 'cancelled'),
        ('approved', 'draft'), ('approved', 'submitted'), ('approved', 'sending'), ('approved', 'cancelled'), ('approved', 'expired'),
        ('sending', 'paused'), ('sending', 'done'), ('sending', 'cancelled'), ('sending', 'expired'),
        ('paused', 'sending'), ('paused', 'done'), ('paused', 'cancelled'), ('paused', 'expired')) THEN
        PERFORM refuse_broadcast('broadcast_step_known', format('broadcast %s is %s and cannot be %s', was.id, was.state, will.state));
    END IF;
    IF will.state IN ('submitted', 'sending') AND will.expires_at <= clock THEN
        PERFORM refuse_broadcast('broadcast_not_expired', format('the last hour of broadcast %s has passed', was.id));
    ELSIF will.state = 'expired' AND will.expires_at > clock THEN
        PERFORM refuse_broadcast('broadcast_step_known', format('the last hour of broadcast %s has not come', was.id));
    END IF;
    IF was.state = 'approved' AND will.state = 'sending' THEN
        IF NOT approval_holds(will.approved_at, will.send_at, clock) THEN
            PERFORM refuse_broadcast('broadcast_approval_holds', format('the approval of broadcast %s has lapsed', was.id));
        ELSIF will.send_at > clock THEN
            PERFORM refuse_broadcast('broadcast_waits_for_its_hour', format('the hour of broadcast %s has not come', was.id));
        ELSIF NOT broadcast_entry_served(will.entry_id, will.version, clock) THEN
            PERFORM refuse_broadcast('broadcast_entry_is_served', format('%s/%s is not published', will.entry_id, will.version));
        END IF;
    END IF;
END $$;
-- +goose StatementEnd
-- by name: the document is read before it is judged
CREATE TRIGGER broadcast_1_reads_document BEFORE INSERT OR UPDATE ON broadcasts FOR EACH ROW EXECUTE FUNCTION read_broadcast();
CREATE TRIGGER broadcast_2_keeps_rules BEFORE INSERT OR UPDATE OR DELETE ON broadcasts FOR EACH ROW EXECUTE FUNCTION keep_broadcast();

-- An approval: of what was submitted and read, by a publisher who neither wrote nor submitted any of it.
-- +goose StatementBegin
CREATE FUNCTION sign_broadcast() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    clock timestamptz;
    b broadcasts;
BEGIN
    SELECT * INTO b FROM broadcasts WHERE id = NEW.broadcast_id FOR UPDATE;
    clock := clock_timestamp();
    -- what lapsed is approved anew
    IF NOT (b.state = 'submitted' OR b.state = 'approved' AND NOT approval_holds(b.approved_at, b.send_at, clock)) THEN
        PERFORM refuse_broadcast('approval_of_submitted', format('broadcast %s is %s', b.id, b.state));
    ELSIF NEW.hash <> b.hash THEN
        PERFORM refuse_broadcast('approval_binds_hash', format('broadcast %s says something else', b.id));
    ELSIF b.expires_at <= clock THEN
        PERFORM refuse_broadcast('broadcast_not_expired', format('the last hour of broadcast %s has passed', b.id));
    ELSIF NOT b.exercise AND btrim(NEW.typed) NOT IN ('实际发布', b.headline) THEN
        PERFORM refuse_broadcast('approval_is_typed', format('broadcast %s is real', b.id));
    ELSIF NOT broadcast_entry_served(b.entry_id, b.version, clock) THEN
        PERFORM refuse_broadcast('broadcast_entry_is_served', format('%s/%s is not published', b.entry_id, b.version));
    END IF;
    PERFORM FROM people WHERE id = NEW.person_id AND disabled_at IS NULL FOR SHARE;
    IF NOT FOUND OR NOT EXISTS (SELECT FROM person_roles r WHERE r.person_id = NEW.person_id AND r.role = 'publisher') THEN
        PERFORM refuse_broadcast('approval_by_publisher', format('person %s is no publisher', NEW.person_id));
    ELSIF NEW.person_id = ANY (b.editors) THEN
        PERFORM refuse_broadcast('approval_not_by_editor', format('person %s wrote or submitted broadcast %s', NEW.person_id, b.id));
    END IF;
    NEW.at := clock; NEW.revision := b.revision;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER approval_is_entitled BEFORE INSERT ON broadcast_approvals FOR EACH ROW EXECUTE FUNCTION sign_broadcast();

-- +goose StatementBegin
CREATE FUNCTION count_broadcast_approval() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE broadcasts SET state = 'approved', approved_by = NEW.person_id, approved_at = NEW.at, approved_hash = NEW.hash WHERE id = NEW.broadcast_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER approval_counts AFTER INSERT ON broadcast_approvals FOR EACH ROW EXECUTE FUNCTION count_broadcast_approval();

-- +goose StatementBegin
CREATE FUNCTION keep_approvals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_broadcast('approval_stays', 'approvals are only ever added');
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER approval_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON broadcast_approvals FOR EACH STATEMENT EXECUTE FUNCTION keep_approvals();
CREATE TRIGGER broadcast_stays BEFORE TRUNCATE ON broadcasts FOR EACH STATEMENT EXECUTE FUNCTION keep_approvals();

-- Recipients that are no readers: groups of grid workers, lists of addresses, platforms of text messages and loudspeakers. No secret lies here: a
-- robot's or platform's address and key are in the file endpoints.toml of the data folder, under the recipient's name; for e-mail it is the address.
CREATE TABLE endpoints (
    id          bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel     text        NOT NULL,
    recipient   text        NOT NULL,
    county      text        NOT NULL DEFAULT '', -- GB/T 2260 code, or 9 digits of a town; empty: everywhere
    topics      text[]      NOT NULL DEFAULT '{}', -- none: all
    groups      text[]      NOT NULL DEFAULT '{}', -- whom it reaches: 老人, 农民; none: everybody
    exercise_at timestamptz, -- joined the exercise group
    gone_at     timestamptz, -- refused us for good, or was ended by the staff
    gone_reason text        NOT NULL DEFAULT '',
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT endpoint_key UNIQUE (channel, recipient),
    CONSTRAINT endpoint_channel_known CHECK (channel IN ('wecom', 'dingtalk', 'email', 'webhook')),
    CONSTRAINT endpoint_is_bounded CHECK (length(recipient) BETWEEN 1 AND 128 AND county ~ '^([0-9]{6}|[0-9]{9})?$' AND recipient !~ '[[:cntrl:]]'),
    CONSTRAINT endpoint_is_no_address CHECK (channel = 'email' OR recipient !~ '://') -- a robot's address is its secret
);

-- The exercise group: an exercise reaches these and nobody else (postgres/audience.go).
ALTER TABLE readers ADD COLUMN exercise_at timestamptz;
CREATE INDEX readers_exercise ON readers (id) WHERE exercise_at IS NOT NULL;

-- Whether a recipient may get a broadcast at all: for whatever fills a ledger.
-- +goose StatementBegin
CREATE FUNCTION in_exercise_group(to_channel text, to_recipient text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM readers WHERE channel = to_channel AND name = to_recipient AND exercise_at IS NOT NULL)
        OR EXISTS (SELECT FROM endpoints WHERE channel = to_channel AND recipient = to_recipient AND exercise_at IS NOT NULL)
$$;
-- +goose StatementEnd

-- +goose Down
SELECT 1/0; -- who approved what was sent would be forgotten
