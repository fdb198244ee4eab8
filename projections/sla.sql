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
CREATE INDEX sla_tickets_next ON sla_tickets (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX sla_tickets_due ON sla_tickets (due_at, stream) WHERE due_at IS NOT NULL;
-- What is there to do next? Only of tickets that nobody has.
CREATE INDEX sla_tickets_pressing ON sla_tickets (pressing_at, stream)
    WHERE pressing_at IS NOT NULL AND assignee IS NULL AND status IN ('new', 'open');
CREATE INDEX sla_tickets_team_pressing ON sla_tickets (team, pressing_at, stream)
    WHERE pressing_at IS NOT NULL AND assignee IS NULL AND status IN ('new', 'open');
CREATE INDEX sla_tickets_open ON sla_tickets (stream) WHERE status <> 'closed';
CREATE INDEX sla_tickets_requester ON sla_tickets (requester, stream) WHERE status <> 'closed';

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
-- What else a list is filtered by stands behind the order, so that rows are passed over without being fetched.
CREATE INDEX sla_clocks_board ON sla_clocks (board_at, started_at, stream, metric, priority, risk_at)
    WHERE board_at IS NOT NULL;
CREATE INDEX sla_clocks_team ON sla_clocks (team, board_at, started_at, stream, metric, priority, risk_at)
    WHERE board_at IS NOT NULL;
CREATE INDEX sla_clocks_assignee ON sla_clocks (assignee, board_at, started_at, stream, metric, priority, risk_at)
    WHERE board_at IS NOT NULL;
CREATE INDEX sla_clocks_outcome ON sla_clocks (outcome_at, metric, met_at) WHERE outcome_at IS NOT NULL;

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
CREATE INDEX sla_breaches_metric ON sla_breaches (metric, due, stream, version);
CREATE INDEX sla_breaches_policy ON sla_breaches (policy, due, stream, version);
CREATE INDEX sla_breaches_withdrawn ON sla_breaches (due, stream, version) WHERE withdrawn_at IS NOT NULL;
