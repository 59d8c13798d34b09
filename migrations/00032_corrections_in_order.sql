-- +goose Up

-- How soon a broadcast has to be there: 2 is Immediate or Extreme in CAP's words, 1 Expected or Severe, 0 wakes nobody. As knowledge.Broadcast.Level has it.
-- +goose StatementBegin
CREATE FUNCTION broadcast_level(document text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN document::jsonb #>> '{content,urgency}' = 'Immediate' OR document::jsonb #>> '{content,severity}' = 'Extreme' THEN 2
                WHEN document::jsonb #>> '{content,urgency}' = 'Expected' OR document::jsonb #>> '{content,severity}' = 'Severe' THEN 1
                ELSE 0 END
$$;
-- +goose StatementEnd
DROP FUNCTION broadcast_says_urgent;

-- A Cancel that has begun takes its whole chain back: no correction of it may begin any more. One that the staff stopped takes nothing back, since they
-- found it wrong; after one that expired, whom it did not reach may still be sent another Cancel.
-- +goose StatementBegin
CREATE FUNCTION broadcast_taken_back(member bigint, kind text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT kind <> 'Alert' AND EXISTS (
        SELECT FROM broadcasts c WHERE c.id IN (SELECT broadcast_chain(member)) AND c.id <> member AND c.msg_type = 'Cancel' AND c.begun_at IS NOT NULL
           AND (c.state IN ('sending', 'paused', 'done') OR c.state = 'expired' AND kind <> 'Cancel'))
$$;
-- +goose StatementEnd

-- The entry that a broadcast was made from, or that what it corrects was made from, was withdrawn while it was being sent or was paused: it does not go on.
-- An Update names no entry, and yet repeats what the entry said; what is approved knowing that the entry is gone has no such date.
ALTER TABLE broadcasts ADD COLUMN entry_gone_at timestamptz;

-- +goose StatementBegin
CREATE FUNCTION check_broadcast_ground() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = OLD.state THEN
        RETURN NEW;
    END IF;
    -- one of a chain begins at a time, so that what another began in that moment is seen here
    IF NEW.references_id IS NOT NULL AND OLD.state = 'approved' AND NEW.state = 'sending' THEN
        PERFORM pg_advisory_xact_lock(29038, (SELECT min(c) FROM broadcast_chain(NEW.id) c)::integer);
    END IF;
    IF ((OLD.state, NEW.state) IN (('draft', 'submitted'), ('approved', 'sending')) OR NEW.state = 'approved') AND broadcast_taken_back(NEW.id, NEW.msg_type) THEN
        PERFORM refuse_broadcast('broadcast_not_taken_back', format('what broadcast %s corrects was cancelled', NEW.id));
    END IF;
    IF NEW.state = 'sending' AND NEW.entry_gone_at IS NOT NULL THEN
        PERFORM refuse_broadcast('broadcast_entry_is_served', format('the entry behind broadcast %s was withdrawn while it was being sent', NEW.id));
    END IF;
    -- whoever withdraws the entry at this moment waits until this has begun, and then finds it, or has withdrawn it already
    IF NEW.state = 'sending' AND NEW.entry_id IS NOT NULL THEN
        PERFORM FROM entry_versions v WHERE v.entry_id = NEW.entry_id AND v.version = NEW.version FOR SHARE;
        -- what was begun goes on when the entry was replaced meanwhile, not when it was withdrawn
        IF OLD.state = 'approved' AND NOT broadcast_entry_served(NEW.entry_id, NEW.version, clock_timestamp())
           OR EXISTS (SELECT FROM entry_versions v WHERE v.entry_id = NEW.entry_id AND v.version = NEW.version AND v.status = 'withdrawn') THEN
            PERFORM refuse_broadcast('broadcast_entry_is_served', format('%s/%s is not published', NEW.entry_id, NEW.version));
        END IF;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
-- after broadcast_3_knows_people
CREATE TRIGGER broadcast_4_stands_on_ground BEFORE UPDATE ON broadcasts FOR EACH ROW EXECUTE FUNCTION check_broadcast_ground();

-- When a delivery was postponed: a platform may ask for hours, and what was put off at a time that lies ahead was put off by a clock that was set back since.
ALTER TABLE deliveries ADD COLUMN postponed_at timestamptz;

-- +goose Down
ALTER TABLE deliveries DROP COLUMN postponed_at;
DROP TRIGGER broadcast_4_stands_on_ground ON broadcasts;
DROP FUNCTION check_broadcast_ground();
ALTER TABLE broadcasts DROP COLUMN entry_gone_at;
DROP FUNCTION broadcast_taken_back(bigint, text);
-- +goose StatementBegin
CREATE FUNCTION broadcast_says_urgent(document text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT broadcast_level(document) > 0
$$;
-- +goose StatementEnd
