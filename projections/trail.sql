-- One row an event of any stream, with what surrounds it and nothing of what it says: no text of customers.
-- id: what the event is called where another one names it as its cause. number: the ticket's, where it is one.
CREATE TABLE trail (
    position       bigint      NOT NULL,
    stream         uuid        NOT NULL,
    version        bigint      NOT NULL,
    id             uuid        NOT NULL,
    number         bigint,
    type           text        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    occurred_at    timestamptz NOT NULL,
    actor_kind     text        NOT NULL,
    actor_id       text        NOT NULL,
    command_id     uuid        NOT NULL,
    correlation_id uuid        NOT NULL,
    causation_id   uuid,
    PRIMARY KEY (stream, version)
);
