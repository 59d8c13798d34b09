-- +goose Up

-- What was submitted, as it was: whoever approves sees what has changed since she, or somebody before her, read it. Written by the trigger alone.
CREATE TABLE broadcast_revisions (
    broadcast_id bigint      NOT NULL REFERENCES broadcasts,
    revision     integer     NOT NULL,
    document     text        NOT NULL,
    at           timestamptz NOT NULL,
    PRIMARY KEY (broadcast_id, revision)
);

-- +goose StatementBegin
CREATE FUNCTION keep_submitted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO broadcast_revisions (broadcast_id, revision, document, at) VALUES (NEW.id, NEW.revision, NEW.document, clock_timestamp())
    ON CONFLICT DO NOTHING; -- submitted again as it was
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER broadcast_submitted_is_kept AFTER UPDATE ON broadcasts FOR EACH ROW
    WHEN (NEW.state = 'submitted' AND OLD.state = 'draft') EXECUTE FUNCTION keep_submitted();

-- +goose Down
DROP TRIGGER broadcast_submitted_is_kept ON broadcasts;
DROP FUNCTION keep_submitted();
DROP TABLE broadcast_revisions;
