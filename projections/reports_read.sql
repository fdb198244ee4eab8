DROP VIEW IF EXISTS read.daily_arrivals, read.daily_resolutions, read.monthly_arrivals, read.monthly_resolutions,
                    read.tickets_by_status, read.reports;

-- seconds_* end at last_at; what has passed since then belongs to `status`. Null until both ends exist.
CREATE VIEW read.reports AS
SELECT stream AS id, version, number, requester, channel, category, team, assignee, priority, ticket_type, status,
       level, spam, resolution_code, source IS NOT NULL AS imported, source, opened_at, first_assigned_at,
       first_requester_message_at, first_public_reply_at, first_resolved_at, last_resolved_at, closed_at, last_at,
       status_since, requester_messages, public_replies, automatic_replies, notes, reopens, escalations,
       de_escalations, assignee_stations, team_stations,
       greatest(assignee_stations - 1, 0) AS assignee_handoffs, greatest(team_stations - 1, 0) AS team_handoffs,
       time_logged AS time_logged_seconds,
       micros_new / 1e6 AS seconds_new, micros_open / 1e6 AS seconds_open, micros_pending / 1e6 AS seconds_pending,
       micros_on_hold / 1e6 AS seconds_on_hold, micros_resolved / 1e6 AS seconds_resolved,
       (micros_new + micros_open + micros_on_hold) / 1e6 AS requester_wait_seconds,
       (micros_new + micros_open) / 1e6 AS agent_work_seconds,
       extract(epoch FROM first_assigned_at - opened_at) AS assignment_seconds,
       extract(epoch FROM first_public_reply_at - opened_at) AS first_public_reply_seconds,
       extract(epoch FROM first_resolved_at - opened_at) AS first_resolution_seconds,
       extract(epoch FROM last_resolved_at - opened_at) AS full_resolution_seconds
  FROM reports WHERE opened_at IS NOT NULL;

CREATE VIEW read.daily_arrivals AS
SELECT (opened_at AT TIME ZONE 'UTC')::date AS day, count(*) AS tickets
  FROM reports WHERE opened_at IS NOT NULL GROUP BY 1;

CREATE VIEW read.daily_resolutions AS
SELECT (first_resolved_at AT TIME ZONE 'UTC')::date AS day, count(*) AS tickets
  FROM reports WHERE first_resolved_at IS NOT NULL GROUP BY 1;

CREATE VIEW read.monthly_arrivals AS
SELECT date_trunc('month', opened_at AT TIME ZONE 'UTC')::date AS month, count(*) AS tickets
  FROM reports WHERE opened_at IS NOT NULL GROUP BY 1;

CREATE VIEW read.monthly_resolutions AS
SELECT date_trunc('month', first_resolved_at AT TIME ZONE 'UTC')::date AS month, count(*) AS tickets
  FROM reports WHERE first_resolved_at IS NOT NULL GROUP BY 1;

CREATE VIEW read.tickets_by_status AS
SELECT status, count(*) AS tickets FROM reports WHERE opened_at IS NOT NULL GROUP BY status;

DROP VIEW IF EXISTS reporting.tickets;

-- Words that people type are null until the desk declares them reportable.
CREATE VIEW reporting.tickets WITH (security_barrier) AS
SELECT stream AS ticket, number, status, status_since, spam, source IS NOT NULL AS imported, channel, ticket_type,
       priority, level, CASE WHEN (SELECT w.category FROM read.reportable_words w) THEN category END AS category,
       CASE WHEN (SELECT w.resolution_code FROM read.reportable_words w) THEN resolution_code END AS resolution_code,
       team, assignee, requester, opened_at, first_assigned_at, first_requester_message_at, first_public_reply_at,
       first_resolved_at, last_resolved_at, closed_at, last_at, requester_messages, public_replies, automatic_replies,
       notes, reopens, escalations, de_escalations, greatest(assignee_stations - 1, 0) AS assignee_handoffs,
       greatest(team_stations - 1, 0) AS team_handoffs, time_logged AS time_logged_seconds,
       micros_new * 0.000001 AS seconds_new, micros_open * 0.000001 AS seconds_open,
       micros_pending * 0.000001 AS seconds_pending, micros_on_hold * 0.000001 AS seconds_on_hold,
       micros_resolved * 0.000001 AS seconds_resolved, version
  FROM reports WHERE opened_at IS NOT NULL;

GRANT SELECT ON reporting.tickets TO chronodesk_analyst;

COMMENT ON VIEW reporting.tickets IS
    'One row a ticket: where it stands, and what happened to it in order of occurrence.';
COMMENT ON COLUMN reporting.tickets.ticket IS 'Its id, the same in every view.';
COMMENT ON COLUMN reporting.tickets.number IS 'What people call it: 1042 is T-1042.';
COMMENT ON COLUMN reporting.tickets.status IS
    'new, open, pending (waits for the requester), on_hold, resolved or closed.';
COMMENT ON COLUMN reporting.tickets.status_since IS 'Since when it is in that status.';
COMMENT ON COLUMN reporting.tickets.spam IS 'Whether it was marked as spam.';
COMMENT ON COLUMN reporting.tickets.imported IS 'Whether its history came from another system.';
COMMENT ON COLUMN reporting.tickets.channel IS 'email, chat, phone, social, web_form or api.';
COMMENT ON COLUMN reporting.tickets.ticket_type IS 'question, incident, problem or task.';
COMMENT ON COLUMN reporting.tickets.priority IS 'low, normal, high or urgent.';
COMMENT ON COLUMN reporting.tickets.level IS 'Escalation level: 1 is the first line.';
COMMENT ON COLUMN reporting.tickets.category IS 'Null unless ticket.category is declared reportable.';
COMMENT ON COLUMN reporting.tickets.resolution_code IS
    'How it was resolved, while it is; null unless ticket.resolution_code is declared reportable.';
COMMENT ON COLUMN reporting.tickets.team IS 'Who has it: reporting.teams.';
COMMENT ON COLUMN reporting.tickets.assignee IS 'Who has it: reporting.agents.';
COMMENT ON COLUMN reporting.tickets.requester IS 'Who asked: reporting.customers.';
COMMENT ON COLUMN reporting.tickets.opened_at IS 'When it was opened.';
COMMENT ON COLUMN reporting.tickets.first_assigned_at IS 'When an agent first had it.';
COMMENT ON COLUMN reporting.tickets.first_requester_message_at IS 'When a customer first wrote.';
COMMENT ON COLUMN reporting.tickets.first_public_reply_at IS
    'When a person first answered so that the requester could see it.';
COMMENT ON COLUMN reporting.tickets.first_resolved_at IS 'When it was first resolved.';
COMMENT ON COLUMN reporting.tickets.last_resolved_at IS 'When it was last resolved, be it reopened since.';
COMMENT ON COLUMN reporting.tickets.closed_at IS 'When it was closed, merged or marked as spam; null if it is not.';
COMMENT ON COLUMN reporting.tickets.last_at IS 'When something last happened to it.';
COMMENT ON COLUMN reporting.tickets.requester_messages IS 'Messages by customers.';
COMMENT ON COLUMN reporting.tickets.public_replies IS 'Public answers by persons.';
COMMENT ON COLUMN reporting.tickets.automatic_replies IS 'Public answers by rules and other machines.';
COMMENT ON COLUMN reporting.tickets.notes IS 'Internal notes.';
COMMENT ON COLUMN reporting.tickets.reopens IS 'How often it was reopened.';
COMMENT ON COLUMN reporting.tickets.escalations IS 'How often it was escalated.';
COMMENT ON COLUMN reporting.tickets.de_escalations IS 'How often it was de-escalated.';
COMMENT ON COLUMN reporting.tickets.assignee_handoffs IS 'How often it went on from one agent to another.';
COMMENT ON COLUMN reporting.tickets.team_handoffs IS 'How often it went on from one team to another.';
COMMENT ON COLUMN reporting.tickets.time_logged_seconds IS 'Work that was logged on it.';
COMMENT ON COLUMN reporting.tickets.seconds_new IS
    'Time it was new, up to last_at: what has passed since belongs to status.';
COMMENT ON COLUMN reporting.tickets.seconds_open IS 'Time it was open, up to last_at.';
COMMENT ON COLUMN reporting.tickets.seconds_pending IS 'Time it was pending, up to last_at.';
COMMENT ON COLUMN reporting.tickets.seconds_on_hold IS 'Time it was on hold, up to last_at.';
COMMENT ON COLUMN reporting.tickets.seconds_resolved IS 'Time it was resolved, up to last_at.';
COMMENT ON COLUMN reporting.tickets.version IS 'How many events it has: the newest one that this row reflects.';
