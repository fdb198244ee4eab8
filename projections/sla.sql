-- What was promised on each ticket and how it stands. Nothing here depends on the time of day: what is due, breached or
-- at risk at an instant follows from it in a query.

-- next_at: when the clock process has something to note in the ticket's stream; null: never, if nothing changes.
-- due_at: the soonest breach to come, if nothing changes.
-- pressing_at: when the soonest of the clocks that did not end is or was due, broken promises included.
CREATE TABLE sla_tickets (
    stream           uuid        PRIMARY KEY,
    version          bigint      NOT NULL,
    position         bigint      NOT NULL,
    number           bigint      NOT NULL,
    requester        uuid,
    team             uuid,
    assignee         uuid,
    priority         text        NOT NULL,
    status           text        NOT NULL,
    policy           uuid,
    policy_version   int,
    calendar         uuid,
    calendar_version int,
    opened_at        timestamptz,
    next_at          timestamptz,
    due_at           timestamptz,
    pressing_at      timestamptz
) WITH (fillfactor = 80);

-- One row a cycle of a metric that had a target. micros: what had elapsed by `since`; from then on it runs or stands.
-- team, assignee, priority: the ticket's, as long as the cycle may go on; null afterwards.
-- board_at: when it is or was due, infinite while it stands still; null if it has ended or will never be due.
-- risk_at: when it was or will be warned of; infinite if never.
-- outcome_at: when it was met or broken, or will be broken if nothing changes.
CREATE TABLE sla_clocks (
    stream      uuid        NOT NULL,
    metric      text        NOT NULL,
    cycle       int         NOT NULL,
    target      int,
    time        text        NOT NULL,
    running     boolean     NOT NULL,
    why         text        NOT NULL,
    started_at  timestamptz NOT NULL,
    since       timestamptz NOT NULL,
    micros      bigint      NOT NULL,
    warn_at     timestamptz,
    due_at      timestamptz,
    breached_at timestamptz,
    met_at      timestamptz,
    ended_at    timestamptz,
    team        uuid,
    assignee    uuid,
    priority    text,
    board_at timestamptz GENERATED ALWAYS AS
        (CASE WHEN ended_at IS NULL
              THEN coalesce(breached_at, due_at,
                            CASE WHEN target IS NOT NULL AND NOT running THEN timestamptz 'infinity' END)
         END) STORED,
    risk_at timestamptz GENERATED ALWAYS AS (coalesce(warn_at, 'infinity')) STORED,
    outcome_at timestamptz GENERATED ALWAYS AS (coalesce(met_at, breached_at, due_at)) STORED,
    PRIMARY KEY (stream, metric, cycle)
) WITH (fillfactor = 80);

-- Breaches as they were noted in the tickets' streams, withdrawn ones among them.
CREATE TABLE sla_breaches (
    stream         uuid        NOT NULL,
    version        bigint      NOT NULL,
    metric         text        NOT NULL,
    cycle          int         NOT NULL,
    target         int         NOT NULL,
    due            timestamptz NOT NULL,
    status         text        NOT NULL,
    team           uuid,
    agent          uuid,
    policy         uuid        NOT NULL,
    policy_version int         NOT NULL,
    noted_at       timestamptz NOT NULL,
    withdrawn_at   timestamptz,
    PRIMARY KEY (stream, version)
);
