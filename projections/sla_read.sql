DROP VIEW IF EXISTS read.sla_tickets, read.sla_clocks, read.sla_breaches;

CREATE VIEW read.sla_tickets AS
SELECT stream AS id, version, position, number, requester, team, assignee, priority, status, policy, policy_version,
       calendar, calendar_version, opened_at, next_at, due_at, pressing_at
  FROM sla_tickets;

CREATE VIEW read.sla_clocks AS
SELECT stream AS ticket, metric, cycle, target, time, running, why, started_at, since, micros, warn_at, due_at,
       breached_at, met_at, ended_at, team, assignee, priority, board_at, risk_at,
       outcome_at
  FROM sla_clocks;

CREATE VIEW read.sla_breaches AS
SELECT b.stream AS ticket, t.number, b.version, b.metric, b.cycle, b.target, b.due, b.status, b.team, b.agent, b.policy,
       b.policy_version, b.noted_at, b.withdrawn_at
  FROM sla_breaches b JOIN sla_tickets t USING (stream);
