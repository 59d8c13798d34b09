-- +goose Up

-- Who is signed in to the console. The browser holds the token, the table its hash: whoever reads the table is signed in nowhere.
CREATE TABLE sessions (
    token_hash bytea       PRIMARY KEY, -- SHA-256 of 32 random bytes
    person_id  bigint      NOT NULL REFERENCES people,
    created_at timestamptz NOT NULL, -- it ends 12 hours later
    seen_at    timestamptz NOT NULL, -- and an hour after this
    said       text        NOT NULL DEFAULT '', -- what the next page says was done
    CONSTRAINT session_token_is_hashed CHECK (octet_length(token_hash) = 32)
);
CREATE INDEX sessions_person ON sessions (person_id);

-- Another password, other roles or the end of an account end its sessions, whoever changes them and by whatever way.
-- +goose StatementBegin
CREATE FUNCTION end_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'people' THEN
        DELETE FROM sessions WHERE person_id = NEW.id;
    ELSIF TG_OP = 'DELETE' THEN
        DELETE FROM sessions WHERE person_id = OLD.person_id;
    ELSE
        DELETE FROM sessions WHERE person_id = NEW.person_id;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER person_change_ends_sessions AFTER UPDATE ON people FOR EACH ROW
    WHEN (NEW.password_hash <> OLD.password_hash OR NEW.disabled_at IS DISTINCT FROM OLD.disabled_at) EXECUTE FUNCTION end_sessions();
CREATE TRIGGER role_change_ends_sessions AFTER INSERT OR UPDATE OR DELETE ON person_roles FOR EACH ROW EXECUTE FUNCTION end_sessions();

-- +goose Down
DROP TRIGGER role_change_ends_sessions ON person_roles;
DROP TRIGGER person_change_ends_sessions ON people;
DROP FUNCTION end_sessions;
DROP TABLE sessions;
