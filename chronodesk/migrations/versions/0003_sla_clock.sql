-- What the SLA clock must not forget: both can be lost without harm, and are then worked out again.

-- Up to which position the log was read for changes of configuration.
CREATE TABLE consumers.sla_clock (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    position bigint  NOT NULL DEFAULT 0
) WITH (fillfactor = 20);
INSERT INTO consumers.sla_clock DEFAULT VALUES;

-- A change of configuration on its way to the open tickets, in order of their ids. It begins at `since`.
-- cause: the stream that changed: the policy list, a calendar, or a customer, whose tickets alone it then reaches.
CREATE TABLE consumers.sla_moves (
    position    bigint      PRIMARY KEY,
    cause       uuid        NOT NULL,
    kind        text        NOT NULL,
    since       timestamptz NOT NULL,
    after       uuid        NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    total       bigint,
    looked_at   bigint      NOT NULL DEFAULT 0,
    moved       bigint      NOT NULL DEFAULT 0,
    started_at  timestamptz,
    finished_at timestamptz
) WITH (fillfactor = 50);
CREATE INDEX sla_moves_unfinished ON consumers.sla_moves (since, position) WHERE finished_at IS NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON consumers.sla_clock, consumers.sla_moves TO chronodesk_app;
