-- What a rebuild copies stands ticket by ticket: a month of one kind would have to be gathered from as many pages as it
-- has rows, and half of them may be rows that do not count any more. So these stand behind the others, and all in order
-- of time; what is added later comes in that order anyhow.
CREATE INDEX figures_order ON figures ((until IS NOT NULL), kind, at);
CLUSTER figures USING figures_order;
DROP INDEX figures_order;
CREATE INDEX figures_now ON figures (kind, at) WHERE until IS NULL;
-- What counted as of an earlier position.
CREATE INDEX figures_then ON figures (kind, at, until) WHERE until IS NOT NULL;
CREATE INDEX figure_spans_order ON figure_spans ((until IS NOT NULL), from_at);
CLUSTER figure_spans USING figure_spans_order;
DROP INDEX figure_spans_order;
-- What was open, size by size, at an instant T: it began in (T - 2^size_at, T]. 63: what goes on. What is resolved goes on
-- longest, and nobody asks what was resolved at an instant.
CREATE INDEX figure_spans_instant ON figure_spans (coalesce(size_at, 63::smallint), from_at)
    WHERE status NOT IN ('resolved', 'closed') AND until IS NULL;
CREATE INDEX figure_spans_now ON figure_spans (to_at) WHERE to_at IS NOT NULL AND until IS NULL;
CREATE INDEX figure_spans_then ON figure_spans (to_at, until) WHERE to_at IS NOT NULL AND until IS NOT NULL;
-- What had not ended yet, or still held, as of an earlier position.
CREATE INDEX figure_spans_ended ON figure_spans (ended) WHERE ended IS NOT NULL;
CREATE INDEX figure_spans_until ON figure_spans (until) WHERE until IS NOT NULL;
