-- +goose Up

-- What is tried in vain is tried until its broadcast expires, so that an outage loses nobody. What workers die over is not: how often that was, in a row or not.
ALTER TABLE deliveries ADD COLUMN deaths smallint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE deliveries DROP COLUMN deaths;
