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
