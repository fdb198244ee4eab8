-- What was promised on each ticket and how it stands. Nothing here depends on the time of day: what is due, breached or
-- at risk at an instant follows from it in a query.

-- next_at: when the clock process has something to note in the ticket's stream; null: never, if nothing changes.
-- due_at: the soonest breach to come, if nothing changes.
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
    due_at           timestamptz
) WITH (fillfactor = 80);
CREATE INDEX sla_tickets_next ON sla_tickets (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX sla_tickets_due ON sla_tickets (due_at, stream) WHERE due_at IS NOT NULL;
CREATE INDEX sla_tickets_open ON sla_tickets (stream) WHERE status <> 'closed';
CREATE INDEX sla_tickets_requester ON sla_tickets (requester, stream) WHERE status <> 'closed';

-- One row a cycle of a metric that had a target. micros: what had elapsed by `since`; from then on it runs or stands.
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
    PRIMARY KEY (stream, metric, cycle)
) WITH (fillfactor = 80);
CREATE INDEX sla_clocks_due ON sla_clocks (due_at, stream) WHERE due_at IS NOT NULL;
CREATE INDEX sla_clocks_breached ON sla_clocks (breached_at, stream) WHERE breached_at IS NOT NULL AND ended_at IS NULL;

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
CREATE INDEX sla_breaches_due ON sla_breaches (due, stream, version);
CREATE INDEX sla_breaches_team ON sla_breaches (team, due, stream, version);
CREATE INDEX sla_breaches_agent ON sla_breaches (agent, due, stream, version);
