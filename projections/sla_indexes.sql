CREATE INDEX sla_tickets_next ON sla_tickets (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX sla_tickets_due ON sla_tickets (due_at, stream) WHERE due_at IS NOT NULL;
-- What is there to do next? Only of tickets that nobody has.
CREATE INDEX sla_tickets_pressing ON sla_tickets (pressing_at, stream)
    WHERE pressing_at IS NOT NULL AND assignee IS NULL AND status IN ('new', 'open');
CREATE INDEX sla_tickets_team_pressing ON sla_tickets (team, pressing_at, stream)
    WHERE pressing_at IS NOT NULL AND assignee IS NULL AND status IN ('new', 'open');
CREATE INDEX sla_tickets_open ON sla_tickets (stream) WHERE status <> 'closed';
CREATE INDEX sla_tickets_requester ON sla_tickets (requester, stream) WHERE status <> 'closed';
-- What else a list is filtered by stands behind the order, so that rows are passed over without being fetched.
CREATE INDEX sla_clocks_board ON sla_clocks (board_at, started_at, stream, metric, priority, risk_at)
    WHERE board_at IS NOT NULL;
CREATE INDEX sla_clocks_team ON sla_clocks (team, board_at, started_at, stream, metric, priority, risk_at)
    WHERE board_at IS NOT NULL;
CREATE INDEX sla_clocks_assignee ON sla_clocks (assignee, board_at, started_at, stream, metric, priority, risk_at)
    WHERE board_at IS NOT NULL;
CREATE INDEX sla_clocks_outcome ON sla_clocks (outcome_at, metric, met_at) WHERE outcome_at IS NOT NULL;
CREATE INDEX sla_breaches_due ON sla_breaches (due, stream, version);
CREATE INDEX sla_breaches_team ON sla_breaches (team, due, stream, version);
CREATE INDEX sla_breaches_agent ON sla_breaches (agent, due, stream, version);
CREATE INDEX sla_breaches_metric ON sla_breaches (metric, due, stream, version);
CREATE INDEX sla_breaches_policy ON sla_breaches (policy, due, stream, version);
CREATE INDEX sla_breaches_withdrawn ON sla_breaches (due, stream, version) WHERE withdrawn_at IS NOT NULL;
