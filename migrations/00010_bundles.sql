-- +goose Up

-- The keys of other cities whose bundles are taken in: each trusted by an act of somebody here, until it no longer is.
CREATE TABLE bundle_keys (
    public_key    bytea       PRIMARY KEY,
    city          text        NOT NULL, -- as it called itself when it was trusted; what it calls itself later is not believed
    trusted_at    timestamptz NOT NULL,
    distrusted_at timestamptz,
    CONSTRAINT bundle_key_is_ed25519 CHECK (octet_length(public_key) = 32),
    CONSTRAINT bundle_key_has_city CHECK (city <> '')
);

-- The bundles that were taken in.
CREATE TABLE bundles (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    manifest_hash bytea       NOT NULL UNIQUE,
    public_key    bytea       NOT NULL REFERENCES bundle_keys,
    created_at    timestamptz NOT NULL, -- by the city's clock
    imported_at   timestamptz NOT NULL,
    CONSTRAINT bundle_hash_is_sha256 CHECK (octet_length(manifest_hash) = 32),
    CONSTRAINT bundle_signer_key UNIQUE (id, public_key) -- what a version's origin refers to
);

-- What each city last told of an entry, so that an older bundle never undoes a newer one, in whatever order they come.
CREATE TABLE bundle_entries (
    public_key   bytea       NOT NULL REFERENCES bundle_keys,
    entry_id     text        NOT NULL, -- no foreign key: a city may take back what was never here
    said_at      timestamptz NOT NULL, -- when it published the entry or took it back, by its clock
    content_hash bytea, -- null: it took the entry back
    PRIMARY KEY (public_key, entry_id)
);

-- Which bundle a version came in, or brought it its reviews.
CREATE TABLE version_bundles (
    entry_id     text        NOT NULL,
    version      integer     NOT NULL,
    content_hash bytea       NOT NULL,
    bundle_id    bigint      NOT NULL,
    public_key   bytea       NOT NULL,
    adopted      boolean     NOT NULL, -- the same content was here before, unsigned: only the reviews came
    expires_at   timestamptz NOT NULL, -- there
    PRIMARY KEY (entry_id, version),
    CONSTRAINT version_bundle_binds_hash FOREIGN KEY (entry_id, version, content_hash)
        REFERENCES entry_versions (entry_id, version, content_hash),
    CONSTRAINT version_bundle_signer FOREIGN KEY (bundle_id, public_key) REFERENCES bundles (id, public_key),
    CONSTRAINT version_bundle_key UNIQUE (entry_id, version, content_hash, public_key) -- what a foreign review is bound to
);
CREATE INDEX version_bundles_public_key ON version_bundles (public_key, entry_id); -- what to withdraw with a key

-- Reviews by people of another city, as its signed bundle told of them. They are no rows of reviews: nobody here signed, and no
-- constraint on what people here sign gets weaker.
CREATE TABLE foreign_reviews (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_id     text        NOT NULL,
    version      integer     NOT NULL,
    content_hash bytea       NOT NULL,
    public_key   bytea       NOT NULL,
    reviewer     text        NOT NULL,
    title        text        NOT NULL,
    institution  text        NOT NULL,
    role         text        NOT NULL,
    reviewed_at  timestamptz NOT NULL,
    CONSTRAINT foreign_review_is_signed CHECK (reviewer <> '' AND institution <> ''),
    CONSTRAINT foreign_review_role_signs CHECK (role IN ('expert', 'editor')),
    CONSTRAINT foreign_review_binds_hash_and_key FOREIGN KEY (entry_id, version, content_hash, public_key)
        REFERENCES version_bundles (entry_id, version, content_hash, public_key)
);
-- Two signatures are two people.
CREATE UNIQUE INDEX one_foreign_review_each ON foreign_reviews (entry_id, version, reviewer, institution);

ALTER TABLE entry_versions
    ADD COLUMN foreign_experts integer NOT NULL DEFAULT 0, -- kept by a trigger on foreign_reviews
    ADD COLUMN foreign_editors integer NOT NULL DEFAULT 0,
    ADD COLUMN shared          boolean NOT NULL DEFAULT false, -- 转自: published on the word of a trusted city
    DROP CONSTRAINT version_published_has_reviews,
    -- Nothing is served as vetted that was not reviewed: by people here, or, where somebody here decided so (shared), by as many and
    -- such people of another city as the topic asks for. The two are not added up, and foreign ones count for nothing else.
    ADD CONSTRAINT version_published_has_reviews CHECK (status <> 'published'
        OR experts >= needs_experts AND editors >= needs_editors AND approvals >= needs_reviewers
        OR emergency AND publishers >= 2 AND expires_at <= published_at + interval '24 hours'
        OR shared AND foreign_experts >= needs_experts AND foreign_editors >= needs_editors
           AND foreign_experts + foreign_editors >= needs_reviewers);

-- What a person here wrote, or has put under review, takes no reviews from elsewhere; and a key must be trusted at that moment.
-- +goose StatementBegin
CREATE FUNCTION take_from_bundle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM entry_versions v WHERE v.entry_id = NEW.entry_id AND v.version = NEW.version
        AND v.status = 'draft' AND v.author_id IS NULL AND v.complete FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'version %/% is no unwritten draft', NEW.entry_id, NEW.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'bundle_brings_drafts';
    END IF;
    PERFORM FROM bundle_keys k WHERE k.public_key = NEW.public_key AND k.distrusted_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the key of the bundle is not trusted'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'bundle_key_is_trusted';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER bundle_brings_drafts BEFORE INSERT ON version_bundles FOR EACH ROW EXECUTE FUNCTION take_from_bundle();
CREATE TRIGGER foreign_review_of_draft BEFORE INSERT ON foreign_reviews FOR EACH ROW EXECUTE FUNCTION take_from_bundle();

-- +goose StatementBegin
CREATE FUNCTION count_foreign_review() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE entry_versions SET foreign_experts = foreign_experts + (NEW.role = 'expert')::int,
           foreign_editors = foreign_editors + (NEW.role = 'editor')::int
     WHERE entry_id = NEW.entry_id AND version = NEW.version;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER foreign_review_counts AFTER INSERT ON foreign_reviews FOR EACH ROW EXECUTE FUNCTION count_foreign_review();
CREATE TRIGGER foreign_review_is_append_only BEFORE UPDATE OR DELETE ON foreign_reviews FOR EACH ROW EXECUTE FUNCTION keep_review();

-- A version is published on another city's word only while its key is trusted.
-- +goose StatementBegin
CREATE FUNCTION share_of_trusted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM version_bundles b JOIN bundle_keys k USING (public_key)
      WHERE b.entry_id = NEW.entry_id AND b.version = NEW.version AND k.distrusted_at IS NULL FOR SHARE OF k;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'version %/% is of no trusted bundle', NEW.entry_id, NEW.version
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_shared_of_trusted';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER version_shared_of_trusted BEFORE UPDATE ON entry_versions FOR EACH ROW
    WHEN (NEW.shared AND NEW.status = 'published' AND (NOT OLD.shared OR OLD.status <> 'published')) EXECUTE FUNCTION share_of_trusted();

-- +goose StatementBegin
CREATE FUNCTION keep_origin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'where a version came from cannot be changed'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'version_bundle_is_immutable';
END $$;
-- +goose StatementEnd
CREATE TRIGGER version_bundle_is_immutable BEFORE UPDATE OR DELETE ON version_bundles FOR EACH ROW EXECUTE FUNCTION keep_origin();

-- +goose Down
SELECT 1/0; -- versions published on another city's word would lose their reviews
