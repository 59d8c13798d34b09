-- +goose Up

-- What readers ask about more than usual (package sensing). A topic is an entry, or what nothing vetted answers: that has no words here, they are
-- those of its answers, so that who is forgotten leaves none.
CREATE TABLE sensing_topics (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_id text        UNIQUE REFERENCES entries,
    draft    text        REFERENCES entries, -- that somebody began about a topic without an entry
    part_of  bigint      REFERENCES sensing_topics, -- another's wording, found when both had a surge: its messages count there from then on
    last_at  timestamptz NOT NULL,
    CONSTRAINT topic_drafted_without_entry CHECK (entry_id IS NULL OR draft IS NULL),
    CONSTRAINT topic_part_without_entry CHECK (part_of IS NULL OR entry_id IS NULL AND part_of <> id)
);

-- Each answer is sorted once, in whatever order transactions commit. Constant defaults rewrite no row.
ALTER TABLE answers
    ADD COLUMN sensed boolean NOT NULL DEFAULT false,
    ADD COLUMN topic  bigint  REFERENCES sensing_topics ON DELETE SET NULL; -- null: about nothing, or not sorted yet
CREATE INDEX answers_unsensed ON answers (id) WHERE NOT sensed; -- those of some minutes
CREATE INDEX answers_topic ON answers (topic, at) WHERE topic IS NOT NULL; -- a topic's last hours and first words

-- How many readers asked about a topic in an hour, by county ('' where it is not known): numbers outlive the readers.
CREATE TABLE sensing_hours (
    topic   bigint      NOT NULL REFERENCES sensing_topics ON DELETE CASCADE,
    county  text        NOT NULL,
    hour    timestamptz NOT NULL,
    readers integer     NOT NULL,
    PRIMARY KEY (topic, county, hour),
    CONSTRAINT sensing_hour_has_readers CHECK (readers > 0)
);
CREATE INDEX sensing_hours_hour ON sensing_hours (hour); -- the last weeks of all topics, and what is too old

-- Surges: notices to the staff, which no person has to itself (notices are of a person and an entry; here there may be no entry yet).
CREATE TABLE sensing_surges (
    id       bigint           GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic    bigint           NOT NULL REFERENCES sensing_topics,
    county   text             NOT NULL, -- '': everywhere
    mainly   text             NOT NULL DEFAULT '', -- of one everywhere: the county that most come from
    began_at timestamptz      NOT NULL, -- the window that showed it
    found_at timestamptz      NOT NULL,
    last_at  timestamptz      NOT NULL, -- when it was last high: within a day of it it is the same surge
    readers  integer          NOT NULL, -- in that window
    usual    double precision NOT NULL,
    chance   double precision NOT NULL,
    seen_at  timestamptz,               -- null: nobody has taken it up
    seen_by  bigint           REFERENCES people,
    CONSTRAINT surge_in_order CHECK (began_at < found_at AND found_at <= last_at),
    CONSTRAINT surge_hides_few CHECK (readers >= 5),
    CONSTRAINT surge_seen_after CHECK (seen_at >= found_at)
);
CREATE INDEX sensing_topics_part ON sensing_topics (part_of) WHERE part_of IS NOT NULL;
CREATE INDEX sensing_surges_last ON sensing_surges (last_at);

-- 崇川区 has been 320613 since 2020; who subscribed while we still offered the former code keeps the district that they agreed to.
UPDATE readers SET wishes = jsonb_set(wishes, '{sent,county}', '"320613"') WHERE wishes -> 'sent' ->> 'county' = '320602';

-- +goose Down
DROP TABLE sensing_surges, sensing_hours;
ALTER TABLE answers DROP COLUMN topic, DROP COLUMN sensed;
DROP TABLE sensing_topics;
