-- +goose Up

-- What all nodes together do so many times a minute for somebody, such as answer a group (bot.Budget): what was done is paid for up to paid_to, by this
-- server's clock. The name is a mark (00017), counted are the latest updates that were let in, so that one that comes again takes nothing more. Rows go an
-- hour later. Unlogged: a message of a group costs no wait for the disk; after a crash of the server the minute begins anew.
CREATE UNLOGGED TABLE budgets (
    channel text        NOT NULL,
    mark    text        NOT NULL,
    what    text        NOT NULL,
    paid_to timestamptz NOT NULL,
    counted text[]      NOT NULL,
    PRIMARY KEY (channel, mark, what)
);

-- +goose Down
DROP TABLE budgets;
