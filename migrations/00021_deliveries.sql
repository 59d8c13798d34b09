-- +goose Up

-- The ledger: one row a broadcast, channel and recipient, written by the fan-out in one statement.
--
--   waiting -> claimed -> sent | failed
--              claimed <-> postponed (another try at leased_to; a lease that ended is claimed again)
--
-- Nothing is written when a broadcast is paused, cancelled or has expired: what then is not sent waits for ever, and the broadcast's own state says why.
-- All times are the database's clock, which the nodes share: one whose own clock steps takes nobody's lease and sends nothing too late.
--
-- No name of a reader lies here: the claim reads it from readers, so that who is forgotten is forgotten here too, and unsent.
-- A foreign key to broadcasts would cost as much as the fan-out (one trigger a row); broadcasts are never deleted.
CREATE TABLE deliveries (
    broadcast_id bigint      NOT NULL,
    n            bigint      GENERATED ALWAYS AS IDENTITY,
    reader_id    bigint,      -- of readers, once
    leased_to    timestamptz, -- of a claim; when to try again what is postponed
    settled_at   timestamptz,
    token        integer     NOT NULL DEFAULT 0, -- counts the claims: who lost the lease records nothing
    tries        smallint    NOT NULL DEFAULT 0,
    unclear      boolean     NOT NULL DEFAULT false, -- an earlier try may have reached the recipient
    state        text        NOT NULL DEFAULT 'waiting',
    channel      text        NOT NULL,
    county       text        NOT NULL DEFAULT '', -- as it was then
    recipient    text,       -- of endpoints
    reason       text,       -- of a failure, or of the last try's
    receipt      text,       -- the platform's name for the message
    PRIMARY KEY (broadcast_id, n),
    CONSTRAINT delivery_state_known CHECK (state IN ('waiting', 'claimed', 'postponed', 'sent', 'failed')),
    CONSTRAINT delivery_has_recipient CHECK ((reader_id IS NULL) <> (recipient IS NULL)),
    CONSTRAINT delivery_leased CHECK ((leased_to IS NOT NULL) = (state IN ('claimed', 'postponed'))),
    CONSTRAINT delivery_settled CHECK ((settled_at IS NOT NULL) = (state IN ('sent', 'failed'))),
    CONSTRAINT delivery_is_bounded CHECK (length(reason) <= 200 AND length(receipt) <= 200)
) WITH (
    -- room in each page for the versions of a batch's claim and end, which pruning gives back; what an open snapshot keeps is vacuumed soon after
    fillfactor = 75,
    autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
    autovacuum_analyze_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1
);
-- what was never claimed, in the order of the fan-out; a worker goes on behind its last claim, and so does not meet the entries that an open
-- snapshot keeps
CREATE INDEX deliveries_waiting ON deliveries (broadcast_id, channel, n) WHERE state = 'waiting';
-- what is in flight, was lost with a worker, or is tried again: few rows at a time
CREATE INDEX deliveries_due ON deliveries (broadcast_id, channel, leased_to) WHERE state IN ('claimed', 'postponed');

-- The rate of a channel over all nodes: the newest row says from when on slots are free. Nodes take them in blocks of 20 ms, one row a block: a
-- row that is updated instead has thousands of versions for every reader to pass while a backup holds its snapshot.
CREATE TABLE delivery_slots (
    channel text        NOT NULL,
    next_at timestamptz NOT NULL
);
CREATE INDEX delivery_slots_newest ON delivery_slots (channel, next_at);
-- The platform asked for it.
CREATE TABLE delivery_silences (
    channel text        PRIMARY KEY,
    until   timestamptz NOT NULL
);

-- What stays of a ledger once its rows are deleted.
CREATE TABLE delivery_totals (
    broadcast_id bigint  NOT NULL REFERENCES broadcasts,
    channel      text    NOT NULL,
    county       text    NOT NULL,
    state        text    NOT NULL,
    reason       text    NOT NULL, -- of failures
    n            bigint  NOT NULL,
    PRIMARY KEY (broadcast_id, channel, county, state, reason)
);
CREATE TABLE delivery_delays (
    broadcast_id bigint NOT NULL REFERENCES broadcasts,
    channel      text   NOT NULL,
    p50          double precision NOT NULL, -- seconds from the fan-out
    p95          double precision NOT NULL,
    PRIMARY KEY (broadcast_id, channel)
);

-- +goose Down
DROP TABLE delivery_delays, delivery_totals, delivery_silences, delivery_slots, deliveries;
