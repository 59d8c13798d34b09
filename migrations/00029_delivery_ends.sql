-- +goose Up

-- What is tried in vain is tried until its broadcast expires, so that an outage loses nobody. What workers die over is not: how often that was, in a row or not.
ALTER TABLE deliveries ADD COLUMN deaths smallint NOT NULL DEFAULT 0;

-- When a silence was asked for: one that lies ahead was by a clock that was set back since, and counts no more.
ALTER TABLE delivery_silences ADD COLUMN set_at timestamptz NOT NULL DEFAULT clock_timestamp();

-- From when on a group's robot takes the next message, whichever node has it: only of channels that ask for more than a second between two, and of
-- recipients that are endpoints.
CREATE TABLE delivery_recipients (
    channel   text        NOT NULL,
    recipient text        NOT NULL,
    next_at   timestamptz NOT NULL,
    PRIMARY KEY (channel, recipient)
);

-- Whether somebody is still in the exercise group is looked at by the claim itself.
DROP FUNCTION in_exercise_group;

-- A broadcast with all that corrects the same as it: upwards to the original, then all that was ever made of that.
-- +goose StatementBegin
CREATE FUNCTION broadcast_chain(member bigint) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    WITH RECURSIVE up AS (
        SELECT id, references_id FROM broadcasts WHERE id = member UNION SELECT b.id, b.references_id FROM broadcasts b JOIN up ON b.id = up.references_id),
    down AS (
        SELECT id FROM up WHERE references_id IS NULL UNION SELECT b.id FROM broadcasts b JOIN down ON b.references_id = down.id)
    SELECT id FROM down
$$;
-- +goose StatementEnd

-- What people are woken for, as knowledge.Broadcast.Urgent has it.
-- +goose StatementBegin
CREATE FUNCTION broadcast_says_urgent(document text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(document::jsonb #>> '{content,urgency}' IN ('Immediate', 'Expected')
                 OR document::jsonb #>> '{content,severity}' IN ('Extreme', 'Severe'), false)
$$;
-- +goose StatementEnd

-- +goose Down
SELECT 1/0; -- what is not sent any more would be given up after eight tries
