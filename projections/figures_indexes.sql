CREATE INDEX figures_kind ON figures (kind, at);
-- What a rebuild copies stands ticket by ticket: a month of one kind would have to be gathered from as many pages as it
-- has rows. What is added later comes in order of time anyhow.
CLUSTER figures USING figures_kind;
CREATE INDEX figure_spans_begun ON figure_spans (from_at);
CLUSTER figure_spans USING figure_spans_begun;
DROP INDEX figure_spans_begun;
-- What was open, size by size, at an instant T: it began in (T - 2^size_at, T]. 63: what goes on. What is resolved goes on
-- longest, and nobody asks what was resolved at an instant.
CREATE INDEX figure_spans_instant ON figure_spans (coalesce(size_at, 63::smallint), from_at)
    WHERE status NOT IN ('resolved', 'closed') AND until IS NULL;
CREATE INDEX figure_spans_over ON figure_spans (to_at) WHERE to_at IS NOT NULL;
-- What had not ended yet, or still held, as of an earlier position.
CREATE INDEX figure_spans_ended ON figure_spans (ended) WHERE ended IS NOT NULL;
CREATE INDEX figure_spans_until ON figure_spans (until) WHERE until IS NOT NULL;
