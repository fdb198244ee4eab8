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

DROP VIEW IF EXISTS reporting.sla_cycles;

CREATE VIEW reporting.sla_cycles WITH (security_barrier) AS
SELECT c.stream AS ticket, t.number, c.metric, c.cycle, c.target AS target_seconds, c.time,
       CASE WHEN c.met_at IS NOT NULL THEN 'met' WHEN coalesce(c.breached_at, c.due_at) <= now() THEN 'breached'
            WHEN c.ended_at IS NOT NULL THEN 'ended' WHEN c.running THEN 'running' ELSE 'paused' END AS state,
       c.started_at, coalesce(c.breached_at, c.due_at) AS due_at, c.met_at, c.ended_at, c.since,
       c.micros * 0.000001 AS seconds,
       t.requester, t.policy, t.policy_version, t.calendar, t.calendar_version
  FROM sla_clocks c JOIN sla_tickets t USING (stream);

GRANT SELECT ON reporting.sla_cycles TO chronodesk_analyst;

COMMENT ON VIEW reporting.sla_cycles IS 'One row a promise on a ticket: each cycle of each metric that had a target.';
COMMENT ON COLUMN reporting.sla_cycles.ticket IS 'Its id, the same in every view.';
COMMENT ON COLUMN reporting.sla_cycles.number IS 'What people call the ticket: 1042 is T-1042.';
COMMENT ON COLUMN reporting.sla_cycles.metric IS
    'first_reply, next_reply, update, pausable_update, resolution, requester_wait, agent_work, assignment, ownership.';
COMMENT ON COLUMN reporting.sla_cycles.cycle IS 'Which time it runs: 1 is the first.';
COMMENT ON COLUMN reporting.sla_cycles.target_seconds IS 'The time that was promised; null once nothing is.';
COMMENT ON COLUMN reporting.sla_cycles.time IS 'business (within the calendar''s hours) or calendar.';
COMMENT ON COLUMN reporting.sla_cycles.state IS
    'met, breached (ended or not), running, paused, or ended (neither met nor breached).';
COMMENT ON COLUMN reporting.sla_cycles.started_at IS 'When the cycle began.';
COMMENT ON COLUMN reporting.sla_cycles.due_at IS
    'The exact instant at which its time was over, or will be if nothing changes; null while it is paused, or if met.';
COMMENT ON COLUMN reporting.sla_cycles.met_at IS 'The exact instant at which the promise was kept.';
COMMENT ON COLUMN reporting.sla_cycles.ended_at IS 'When the cycle ended, kept or not.';
COMMENT ON COLUMN reporting.sla_cycles.since IS
    'Up to when seconds are counted: ended_at, or since when it runs or stands.';
COMMENT ON COLUMN reporting.sla_cycles.seconds IS 'How much of the target had elapsed by then.';
COMMENT ON COLUMN reporting.sla_cycles.requester IS 'Who was promised it: reporting.customers.';
COMMENT ON COLUMN reporting.sla_cycles.policy IS 'The policy that holds for the ticket now.';
COMMENT ON COLUMN reporting.sla_cycles.policy_version IS 'Which version of that policy.';
COMMENT ON COLUMN reporting.sla_cycles.calendar IS 'The calendar that holds for the ticket now: reporting.calendars.';
COMMENT ON COLUMN reporting.sla_cycles.calendar_version IS 'Which version of its hours.';
