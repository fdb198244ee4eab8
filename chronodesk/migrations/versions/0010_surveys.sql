-- What the survey clock must not forget. It can be lost: read again from position 0, the log asks nobody a second time.

-- Up to which position the log was read for resolved tickets. There were no surveys before this migration.
CREATE TABLE consumers.survey_clock (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint  NOT NULL
) WITH (fillfactor = 20);
INSERT INTO consumers.survey_clock (position) SELECT position FROM store.head;

-- A resolution, the ticket's event `version` at a position of the log, that a survey may ask about at `due_at`.
CREATE TABLE consumers.survey_due (
    survey   uuid        NOT NULL,
    ticket   uuid        NOT NULL,
    version  bigint      NOT NULL,
    position bigint      NOT NULL,
    due_at   timestamptz NOT NULL,
    PRIMARY KEY (ticket, version, survey)
);
CREATE INDEX survey_due_next ON consumers.survey_due (due_at);

GRANT SELECT, INSERT, UPDATE, DELETE ON consumers.survey_clock, consumers.survey_due TO chronodesk_app;
