-- +goose Up

-- What was done to content and people: one row a change, written in the change's own transaction and chained by an HMAC whose key
-- is not in the database (postgres/audit.go; what this finds and what it cannot: docs/security.md).
CREATE TABLE audit_log (
    seq          bigint      PRIMARY KEY, -- 1, 2, 3, ... without gaps: the trigger below takes the head's next and no other
    at           timestamptz NOT NULL,
    actor        text        NOT NULL,
    actor_name   text        NOT NULL,
    from_where   text        NOT NULL, -- channel, address or command
    action       text        NOT NULL,
    entry_id     text, -- no foreign key: the log outlives what it tells of
    version      integer,
    content_hash bytea,
    detail       jsonb       NOT NULL DEFAULT '{}', -- an object of strings
    key_id       bytea       NOT NULL, -- which key made the MAC; says nothing about the key
    mac          bytea       NOT NULL, -- HMAC-SHA256(key, the previous row's mac || this row)
    CONSTRAINT audit_says_who_did_what CHECK (actor <> '' AND action <> ''),
    CONSTRAINT audit_time_is_finite CHECK (isfinite(at)),
    CONSTRAINT audit_detail_is_object CHECK (jsonb_typeof(detail) = 'object'),
    CONSTRAINT audit_hash_is_sha256 CHECK (octet_length(content_hash) = 32),
    CONSTRAINT audit_mac_is_sha256 CHECK (octet_length(mac) = 32)
);
CREATE INDEX audit_log_entry ON audit_log (entry_id, seq); -- the history of an entry

-- The chain's last link. A writer locks it, so writers follow one another.
CREATE TABLE audit_head (
    single boolean PRIMARY KEY DEFAULT true CONSTRAINT audit_head_is_one_row CHECK (single),
    seq    bigint  NOT NULL,
    mac    bytea   NOT NULL,
    key_id bytea -- of the last row; null before the first
);
INSERT INTO audit_head (seq, mac) VALUES (0, decode(repeat('00', 32), 'hex'));

-- +goose StatementBegin
CREATE FUNCTION extend_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE audit_head SET seq = NEW.seq, mac = NEW.mac, key_id = NEW.key_id WHERE seq = NEW.seq - 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'audit row % does not follow the last one', NEW.seq
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_has_no_gaps';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_has_no_gaps BEFORE INSERT ON audit_log FOR EACH ROW EXECUTE FUNCTION extend_audit();

-- Against slips and ordinary roles: who may disable triggers is found by the chain.
-- +goose StatementBegin
CREATE FUNCTION keep_audit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is only ever added to'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'audit_is_append_only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION keep_audit();
CREATE TRIGGER audit_head_is_one_row BEFORE INSERT OR DELETE OR TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION keep_audit();
-- depth 0: a statement of a session's own, not the one of extend_audit
CREATE TRIGGER audit_head_follows_rows BEFORE UPDATE ON audit_head
    FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION keep_audit();

-- +goose Down
DROP TABLE audit_log, audit_head;
DROP FUNCTION extend_audit, keep_audit;
