-- +goose Up
-- A filter that keeps few passages is answered from these, each passage scored (see searchPlan). fastupdate = off as in passages_terms.
CREATE INDEX passages_regions ON passages USING gin (regions) WITH (fastupdate = off);
CREATE INDEX passages_published ON passages (id) WHERE status = 'published';

-- +goose Down
DROP INDEX passages_regions, passages_published;
