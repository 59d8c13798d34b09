-- +goose Up

-- The entry that a broadcast was made from, or that what it corrects was made from, was withdrawn while it was being sent or was paused: it does not go on.
-- An Update names no entry, and yet repeats what the entry said; what is approved knowing that the entry is gone has no such date.
ALTER TABLE broadcasts ADD COLUMN entry_gone_at timestamptz;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION check_broadcast_ground() RETURNS trigger LANGUAGE plpgsql AS $$
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

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION check_broadcast_ground() RETURNS trigger LANGUAGE plpgsql AS $$
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
ALTER TABLE broadcasts DROP COLUMN entry_gone_at;
