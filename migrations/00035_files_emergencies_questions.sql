-- +goose Up

-- A text that `ingest` brought in from a file in our own format: the next file may replace it. What a person wrote in the console may be
-- replaced by people alone. Of versions from before this, with an author, the audit log tells which were not saved on a page; those without came from files.
ALTER TABLE entry_versions ADD COLUMN from_file boolean NOT NULL DEFAULT false;
UPDATE entry_versions v SET from_file = true WHERE v.author_id IS NOT NULL AND EXISTS (
    SELECT FROM audit_log l WHERE l.entry_id = v.entry_id AND l.version = v.version AND l.action = 'draft.saved'
       AND l.from_where NOT LIKE 'console %' AND l.from_where NOT LIKE 'api %');

-- An emergency is what has not its signatures. One that is fully reviewed would end after a day for nothing; those that still answer readers
-- are served on for as long as their signatures say. What has ended already stays ended: nobody brought it back.
UPDATE entry_versions v SET emergency = false, expires_at = (
    SELECT max(r.reviewed_at) FROM reviews r WHERE r.entry_id = v.entry_id AND r.version = v.version AND r.round = v.round
       AND r.decision = 'approve' AND r.role IN ('expert', 'editor')) + make_interval(months => v.months)
 WHERE v.status = 'published' AND v.emergency AND v.expires_at > now()
   AND v.experts >= v.needs_experts AND v.editors >= v.needs_editors AND v.approvals >= v.needs_reviewers;
UPDATE entry_versions SET emergency = false WHERE status = 'published' AND emergency AND expires_at <= now()
   AND experts >= needs_experts AND editors >= needs_editors AND approvals >= needs_reviewers;
ALTER TABLE entry_versions ADD CONSTRAINT version_emergency_lacks_reviews CHECK (NOT (status = 'published' AND emergency
    AND experts >= needs_experts AND editors >= needs_editors AND approvals >= needs_reviewers));

-- The signature that completes the reviews of an emergency ends it, in the statement that counts it.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION count_approval() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v    entry_versions; -- locked by sign_review
    done boolean;
BEGIN
    IF NEW.decision = 'approve' THEN
        SELECT * INTO v FROM entry_versions WHERE entry_id = NEW.entry_id AND version = NEW.version;
        v.approvals := v.approvals + (NEW.role IN ('expert', 'editor'))::int;
        v.experts := v.experts + (NEW.role = 'expert')::int;
        v.editors := v.editors + (NEW.role = 'editor')::int;
        done := v.status = 'published' AND v.emergency
            AND v.experts >= v.needs_experts AND v.editors >= v.needs_editors AND v.approvals >= v.needs_reviewers;
        UPDATE entry_versions SET approvals = v.approvals, experts = v.experts, editors = v.editors,
               publishers = publishers + (NEW.role = 'publisher')::int, emergency = v.emergency AND NOT done,
               expires_at = CASE WHEN done THEN NEW.reviewed_at + make_interval(months => v.months) ELSE expires_at END
         WHERE entry_id = NEW.entry_id AND version = NEW.version;
    ELSE -- sent back: whoever approved before has to look again; what was published in an emergency is taken back
        UPDATE entry_versions SET approvals = 0, experts = 0, editors = 0, publishers = 0, round = round + 1,
               status = CASE status WHEN 'published' THEN 'withdrawn' ELSE 'draft' END,
               reason = CASE status WHEN 'published' THEN NEW.comment ELSE reason END
         WHERE entry_id = NEW.entry_id AND version = NEW.version;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- 不用答: what readers sent that is no question for us leaves the list, and comes back when somebody thinks otherwise. Its row and its count stay.
ALTER TABLE questions
    ADD COLUMN closed_by  bigint REFERENCES people,
    ADD COLUMN closed_why text,
    ADD CONSTRAINT question_closed_for_a_reason CHECK ((closed_at IS NULL) = (closed_why IS NULL)),
    ADD CONSTRAINT question_closing_known CHECK (closed_why IN ('flood', 'advert', 'unclear', 'elsewhere')),
    ADD CONSTRAINT question_closed_by_then CHECK (closed_by IS NULL OR closed_at IS NOT NULL);
CREATE INDEX questions_closed ON questions (closed_at) WHERE closed_at IS NOT NULL;

-- +goose Down
SELECT 1/0; -- which texts people wrote would be forgotten
