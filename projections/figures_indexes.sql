CREATE INDEX figures_kind ON figures (kind, at);
-- What a rebuild copies stands ticket by ticket: a month of one kind would have to be gathered from as many pages as it
-- has rows. What is added later comes in order of time anyhow.
CLUSTER figures USING figures_kind;
-- What began, and, size by size, what held at an instant T: it began in (T - 2^size_at, T]. Null: what goes on.
CREATE INDEX figure_spans_instant ON figure_spans (size_at, from_at);
CREATE INDEX figure_spans_over ON figure_spans (to_at) WHERE to_at IS NOT NULL;
-- What had not ended yet as of an earlier position.
CREATE INDEX figure_spans_ended ON figure_spans (ended) WHERE ended IS NOT NULL;
