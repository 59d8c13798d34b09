-- +goose Up

-- A searchable piece of a version. The foreign key mirrors the version's life onto its passages, so that
-- the search filters without a join and can never see a state that the version is not in.
CREATE TABLE passages (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_id   text        NOT NULL,
    version    integer     NOT NULL,
    status     text        NOT NULL,
    expires_at timestamptz NOT NULL,
    regions    text[]      NOT NULL DEFAULT '{}', -- GB/T 2260; empty: everywhere
    kind       text        NOT NULL,
    ordinal    integer     NOT NULL,
    text       text        NOT NULL, -- as authored
    siblings   integer     NOT NULL, -- passages of the version that a message can match: neither negative nor whole
    terms      integer[]   NOT NULL, -- distinct term ids, ascending
    tfs        integer[]   NOT NULL, -- how often each occurs; kept so that weights can be recomputed in SQL
    length     integer     NOT NULL, -- sum of tfs: BM25's document length
    -- BM25's document side: term id -> tf*(k1+1) / (tf + k1*(1-b+b*length/avgdl)), with avgdl of bm25_settings
    weights    sparsevec(1000000000) NOT NULL,
    CONSTRAINT passage_kind_known CHECK (kind IN ('claim', 'question', 'negative', 'summary', 'body', 'whole')),
    CONSTRAINT passage_terms_have_counts CHECK (cardinality(terms) = cardinality(tfs)),
    CONSTRAINT passage_order_key UNIQUE (entry_id, version, kind, ordinal),
    CONSTRAINT passage_mirrors_version FOREIGN KEY (entry_id, version, status, expires_at)
        REFERENCES entry_versions (entry_id, version, status, expires_at) ON UPDATE CASCADE
);

-- Lexical candidates: terms && the query's rarest terms. fastupdate = off: a pending list would be scanned by
-- every search until vacuum came; writes are rare here and may pay for themselves.
CREATE INDEX passages_terms ON passages USING gin (terms) WITH (fastupdate = off);

-- Embedding models by name; the number is part of each model's own HNSW index (see EnsureModel).
CREATE TABLE embedding_models (
    id         smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text     NOT NULL UNIQUE,
    dimensions integer  NOT NULL,
    CONSTRAINT model_dimensions_fit_halfvec CHECK (dimensions BETWEEN 1 AND 4000)
);

-- Vectors apart from passages: a new model is embedded beside the old one, any dimension fits, and a change of a
-- passage's status does not touch its graph.
CREATE TABLE passage_vectors (
    model_id   smallint NOT NULL REFERENCES embedding_models,
    passage_id bigint   NOT NULL REFERENCES passages ON DELETE CASCADE,
    v          halfvec  NOT NULL,
    PRIMARY KEY (passage_id, model_id)
);

-- BM25 statistics, apart for what is published and what is not, so that drafts do not move the published
-- document frequencies (the average length is over both).
-- A passage's transaction appends to the deltas (no hot rows); one job at a time folds them into the totals;
-- a search adds both.
CREATE TABLE term_stats (
    published boolean NOT NULL,
    term      integer NOT NULL,
    df        bigint  NOT NULL,
    PRIMARY KEY (term, published),
    CONSTRAINT df_counts_up CHECK (df >= 0)
);
CREATE TABLE term_deltas (
    id        bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    published boolean NOT NULL,
    term      integer NOT NULL,
    delta     integer NOT NULL
);
CREATE INDEX term_deltas_term ON term_deltas (term, published) INCLUDE (delta);
CREATE TABLE corpus_stats (
    published boolean PRIMARY KEY,
    passages  bigint  NOT NULL,
    length    bigint  NOT NULL,
    CONSTRAINT corpus_counts_up CHECK (passages >= 0 AND length >= 0)
);
CREATE TABLE corpus_deltas (
    id        bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    published boolean NOT NULL,
    passages  integer NOT NULL,
    length    integer NOT NULL
);
INSERT INTO corpus_stats VALUES (true, 0, 0), (false, 0, 0);

-- One row: the parameters that the stored weights were computed with. avgdl is frozen until it has drifted by 10%.
CREATE TABLE bm25_settings (
    single boolean PRIMARY KEY DEFAULT true CONSTRAINT bm25_settings_is_one_row CHECK (single),
    k1     double precision NOT NULL,
    b      double precision NOT NULL,
    avgdl  double precision NOT NULL,
    CONSTRAINT bm25_parameters_sane CHECK (k1 > 0 AND b BETWEEN 0 AND 1 AND avgdl > 0)
);
INSERT INTO bm25_settings (k1, b, avgdl) VALUES (1.2, 0.75, 20);

-- The document side of BM25, in one place for insertion and recomputation.
-- +goose StatementBegin
CREATE FUNCTION bm25_weights(terms integer[], tfs integer[], length integer) RETURNS sparsevec
LANGUAGE sql STABLE AS $$
    SELECT ('{' || coalesce(string_agg(
               t.term || ':' || (t.tf * (s.k1 + 1)) / (t.tf + s.k1 * (1 - s.b + s.b * length / s.avgdl)),
               ',' ORDER BY t.term), '') || '}/1000000000')::sparsevec
      FROM bm25_settings s, unnest(terms, tfs) AS t(term, tf)
$$;
-- +goose StatementEnd

-- Statistics follow the passages by themselves, whoever writes them. A passage without terms (the whole of an entry, which is
-- there for its meaning) is no document to BM25.
-- +goose StatementBegin
CREATE FUNCTION count_passage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.length > 0 THEN
        INSERT INTO term_deltas (published, term, delta)
            SELECT OLD.status = 'published', unnest(OLD.terms), -1;
        INSERT INTO corpus_deltas (published, passages, length)
            VALUES (OLD.status = 'published', -1, -OLD.length);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.length > 0 THEN
        INSERT INTO term_deltas (published, term, delta)
            SELECT NEW.status = 'published', unnest(NEW.terms), 1;
        INSERT INTO corpus_deltas (published, passages, length)
            VALUES (NEW.status = 'published', 1, NEW.length);
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER passage_counts AFTER INSERT OR DELETE ON passages
    FOR EACH ROW EXECUTE FUNCTION count_passage();
CREATE TRIGGER passage_recounts AFTER UPDATE ON passages FOR EACH ROW
    WHEN ((OLD.status = 'published') IS DISTINCT FROM (NEW.status = 'published'))
    EXECUTE FUNCTION count_passage();

-- +goose Down
DROP TABLE passage_vectors, passages, embedding_models, term_stats, term_deltas, corpus_stats, corpus_deltas, bm25_settings;
DROP FUNCTION count_passage, bm25_weights;
