DROP VIEW IF EXISTS read.figures, read.figure_spans;

CREATE VIEW read.figures AS
SELECT stream, place, number, kind, at, version, started_at, from_version, micros, business_micros, amount, detail,
       actor, agent, cost, currency, spent, business_spent, requester, channel, category, team, assignee, priority,
       ticket_type, level, tags, policy, policy_version, calendar, calendar_version, since, until
  FROM figures;

CREATE VIEW read.figure_spans AS
SELECT stream, place, number, status, unanswered, requester, channel, category, team, assignee, priority, ticket_type,
       level, tags, opened_at, from_at, from_version, to_at, to_version, micros, business_micros, size_at, policy,
       policy_version, calendar, calendar_version, since, ended, until
  FROM figure_spans;

-- For analysts: what counts now. Words that people type are null until the desk declares them reportable.
DROP VIEW IF EXISTS reporting.spans, reporting.arrivals, reporting.replies, reporting.resolutions, reporting.reopenings,
    reporting.stations, reporting.escalations, reporting.satisfaction, reporting.time_entries, reporting.sla_outcomes,
    reporting.backlog_daily, reporting.backlog_hourly;
DROP FUNCTION IF EXISTS reporting.backlog_at(timestamptz);

CREATE VIEW reporting.spans WITH (security_barrier) AS
SELECT stream AS ticket, number, status, unanswered, from_at, to_at, micros * 0.000001 AS seconds,
       business_micros * 0.000001 AS business_seconds, opened_at, team, assignee, requester, channel, ticket_type,
       priority, level, CASE WHEN (SELECT w.category FROM read.reportable_words w) THEN category END AS category,
       CASE WHEN (SELECT w.tags FROM read.reportable_words w) THEN tags END AS tags, policy, policy_version, calendar,
       calendar_version, from_version, to_version
  FROM figure_spans WHERE until IS NULL;

CREATE VIEW reporting.arrivals WITH (security_barrier) AS
SELECT stream AS ticket, number, at, actor, team, assignee, requester, channel, ticket_type, priority, level,
       CASE WHEN (SELECT w.category FROM read.reportable_words w) THEN category END AS category,
       CASE WHEN (SELECT w.tags FROM read.reportable_words w) THEN tags END AS tags, version
  FROM figures WHERE until IS NULL AND kind = 'opened';

CREATE VIEW reporting.replies WITH (security_barrier) AS
SELECT stream AS ticket, number, at, detail AS reply, started_at, micros * 0.000001 AS seconds,
       business_micros * 0.000001 AS business_seconds, actor, agent, team, assignee, requester, channel, ticket_type,
       priority, level, CASE WHEN (SELECT w.category FROM read.reportable_words w) THEN category END AS category,
       CASE WHEN (SELECT w.tags FROM read.reportable_words w) THEN tags END AS tags, policy, policy_version, calendar,
       calendar_version, version
  FROM figures WHERE until IS NULL AND kind = 'reply';

CREATE VIEW reporting.resolutions WITH (security_barrier) AS
SELECT stream AS ticket, number, at, amount AS resolution, micros * 0.000001 AS seconds,
       business_micros * 0.000001 AS business_seconds,
       (SELECT l.amount FROM figures l
         WHERE l.stream = f.stream AND l.version = f.version AND l.kind = 'fully_resolved' AND l.until IS NULL
       ) AS public_replies,
       CASE WHEN (SELECT w.resolution_code FROM read.reportable_words w) THEN detail END AS resolution_code, actor,
       agent, team, assignee, requester, channel, ticket_type, priority, level,
       CASE WHEN (SELECT w.category FROM read.reportable_words w) THEN category END AS category,
       CASE WHEN (SELECT w.tags FROM read.reportable_words w) THEN tags END AS tags, policy, policy_version, calendar,
       calendar_version, version
  FROM figures f WHERE until IS NULL AND kind = 'resolved';

CREATE VIEW reporting.reopenings WITH (security_barrier) AS
SELECT stream AS ticket, number, at, detail AS cause, actor, team, assignee, requester, channel, ticket_type, priority,
       level, CASE WHEN (SELECT w.category FROM read.reportable_words w) THEN category END AS category,
       CASE WHEN (SELECT w.tags FROM read.reportable_words w) THEN tags END AS tags, version
  FROM figures WHERE until IS NULL AND kind = 'reopened';

CREATE VIEW reporting.stations WITH (security_barrier) AS
SELECT stream AS ticket, number, at, CASE kind WHEN 'team_station' THEN 'team' ELSE 'agent' END AS came_to,
       amount AS station, amount > 1 AS handoff, actor, team, assignee, requester, channel, ticket_type, priority,
       level, CASE WHEN (SELECT w.category FROM read.reportable_words w) THEN category END AS category,
       CASE WHEN (SELECT w.tags FROM read.reportable_words w) THEN tags END AS tags, version
  FROM figures WHERE until IS NULL AND kind IN ('team_station', 'assignee_station');

CREATE VIEW reporting.escalations WITH (security_barrier) AS
SELECT stream AS ticket, number, at, CASE kind WHEN 'escalated' THEN 'up' ELSE 'down' END AS direction,
       amount AS from_level, detail AS cause, actor, team, assignee, requester, channel, ticket_type, priority, level,
       CASE WHEN (SELECT w.category FROM read.reportable_words w) THEN category END AS category,
       CASE WHEN (SELECT w.tags FROM read.reportable_words w) THEN tags END AS tags, version
  FROM figures WHERE until IS NULL AND kind IN ('escalated', 'de_escalated');

CREATE VIEW reporting.satisfaction WITH (security_barrier) AS
SELECT stream AS ticket, number, at,
       CASE kind WHEN 'rating_requested' THEN 'requested' WHEN 'rated' THEN 'rated' ELSE 'changed' END AS happened,
       CASE WHEN kind = 'rating_requested' THEN detail END AS occasion,
       CASE WHEN kind <> 'rating_requested' THEN amount END AS score,
       CASE WHEN kind <> 'rating_requested' THEN detail END AS verdict, micros * 0.000001 AS seconds, agent, team,
       assignee, requester, channel, ticket_type, priority, level,
       CASE WHEN (SELECT w.category FROM read.reportable_words w) THEN category END AS category,
       CASE WHEN (SELECT w.tags FROM read.reportable_words w) THEN tags END AS tags, version
  FROM figures WHERE until IS NULL AND kind IN ('rating_requested', 'rated', 'rating_changed');

CREATE VIEW reporting.time_entries WITH (security_barrier) AS
SELECT stream AS ticket, number, at, amount AS seconds, detail = 'billable' AS billable, cost, currency, actor, agent,
       team, assignee, requester, channel, ticket_type, priority, level,
       CASE WHEN (SELECT w.category FROM read.reportable_words w) THEN category END AS category,
       CASE WHEN (SELECT w.tags FROM read.reportable_words w) THEN tags END AS tags, version
  FROM figures WHERE until IS NULL AND kind = 'time_logged';

CREATE VIEW reporting.sla_outcomes WITH (security_barrier) AS
SELECT stream AS ticket, number, at, detail AS metric, amount = 1 AS met, team, assignee, requester, channel,
       ticket_type, priority, level,
       CASE WHEN (SELECT w.category FROM read.reportable_words w) THEN category END AS category,
       CASE WHEN (SELECT w.tags FROM read.reportable_words w) THEN tags END AS tags, policy, policy_version, calendar,
       calendar_version, version
  FROM figures WHERE until IS NULL AND kind = 'sla';

-- What held at an instant began at most its own length before it: so the index finds it, size by size. Whoever calls
-- this has no right to the table.
CREATE FUNCTION reporting.backlog_at(instant timestamptz) RETURNS TABLE (
    ticket uuid, number bigint, status text, unanswered boolean, opened_at timestamptz, from_at timestamptz, team uuid,
    assignee uuid, requester uuid, channel text, ticket_type text, priority text, level int, category text, tags text[]
) LANGUAGE sql STABLE SECURITY DEFINER ROWS 10000
BEGIN ATOMIC
    SELECT s.stream, s.number, s.status, s.unanswered, s.opened_at, s.from_at, s.team, s.assignee, s.requester,
           s.channel, s.ticket_type, s.priority, s.level,
           CASE WHEN (SELECT w.category FROM read.reportable_words w) THEN s.category END,
           CASE WHEN (SELECT w.tags FROM read.reportable_words w) THEN s.tags END
      FROM (SELECT o.* FROM generate_series(1, 63) AS z (size) CROSS JOIN LATERAL (
                SELECT * FROM figure_spans f
                 WHERE coalesce(f.size_at, 63::smallint) = z.size::smallint AND f.from_at <= instant
                   AND (f.to_at IS NULL OR f.to_at > instant) AND f.status NOT IN ('resolved', 'closed')
                   AND f.until IS NULL
                   AND f.from_at > CASE WHEN z.size < 50 THEN instant - (1::bigint << z.size) * interval '1 microsecond'
                                        ELSE '-infinity' END
                OFFSET 0) o) s;
END;

CREATE VIEW reporting.backlog_daily WITH (security_barrier) AS
SELECT d.at, b.status, b.team, b.assignee, b.priority, b.level, b.channel, b.ticket_type, b.category,
       count(*) AS tickets, count(*) FILTER (WHERE b.unanswered) AS unanswered
  FROM generate_series((SELECT date_trunc('day', min(at), 'UTC') FROM figures WHERE kind = 'opened'), now(),
                       interval '1 day', 'UTC') AS d (at)
 CROSS JOIN LATERAL reporting.backlog_at(d.at) b
 GROUP BY d.at, b.status, b.team, b.assignee, b.priority, b.level, b.channel, b.ticket_type, b.category;

CREATE VIEW reporting.backlog_hourly WITH (security_barrier) AS
SELECT h.at, b.status, b.team, b.assignee, b.priority, b.level, b.channel, b.ticket_type, b.category,
       count(*) AS tickets, count(*) FILTER (WHERE b.unanswered) AS unanswered
  FROM generate_series((SELECT date_trunc('hour', min(at)) FROM figures WHERE kind = 'opened'), now(),
                       interval '1 hour', 'UTC') AS h (at)
 CROSS JOIN LATERAL reporting.backlog_at(h.at) b
 GROUP BY h.at, b.status, b.team, b.assignee, b.priority, b.level, b.channel, b.ticket_type, b.category;

REVOKE EXECUTE ON FUNCTION reporting.backlog_at(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION reporting.backlog_at(timestamptz) TO chronodesk_analyst;
GRANT SELECT ON reporting.spans, reporting.arrivals, reporting.replies, reporting.resolutions, reporting.reopenings,
    reporting.stations, reporting.escalations, reporting.satisfaction, reporting.time_entries, reporting.sla_outcomes,
    reporting.backlog_daily, reporting.backlog_hourly TO chronodesk_analyst;

COMMENT ON VIEW reporting.spans IS
    'One row a stretch in which a ticket''s status, team, assignee, level and the other columns stayed the same.';
COMMENT ON COLUMN reporting.spans.from_at IS 'Since when it was so.';
COMMENT ON COLUMN reporting.spans.to_at IS 'Until when; null: it still is.';
COMMENT ON COLUMN reporting.spans.seconds IS 'From from_at to to_at; null while it goes on.';
COMMENT ON COLUMN reporting.spans.from_version IS 'The event that began it.';
COMMENT ON COLUMN reporting.spans.to_version IS 'The event that ended it.';
COMMENT ON VIEW reporting.arrivals IS 'One row a ticket, as it was when it was opened.';
COMMENT ON VIEW reporting.replies IS 'One row a public reply by a person.';
COMMENT ON COLUMN reporting.replies.reply IS
    'first; next: to a message that waited; further: nobody waited, so it has no seconds.';
COMMENT ON COLUMN reporting.replies.started_at IS 'Since when the requester waited.';
COMMENT ON COLUMN reporting.replies.seconds IS 'How long the requester had waited.';
COMMENT ON COLUMN reporting.replies.agent IS 'Who replied: reporting.agents.';
COMMENT ON VIEW reporting.resolutions IS 'One row each time that a ticket was resolved.';
COMMENT ON COLUMN reporting.resolutions.resolution IS
    '1: the first of the ticket, 2: after it was reopened, and so on.';
COMMENT ON COLUMN reporting.resolutions.seconds IS 'Since the ticket was opened.';
COMMENT ON COLUMN reporting.resolutions.public_replies IS
    'By persons, up to the last resolution so far (up to 1: one-touch, 2: two-touch); null for those before it.';
COMMENT ON COLUMN reporting.resolutions.resolution_code IS
    'How; null unless ticket.resolution_code is declared reportable.';
COMMENT ON COLUMN reporting.resolutions.agent IS 'Who resolved it: reporting.agents.';
COMMENT ON VIEW reporting.reopenings IS 'One row each time that a ticket was reopened.';
COMMENT ON COLUMN reporting.reopenings.cause IS 'message (a customer wrote), agent or import.';
COMMENT ON VIEW reporting.stations IS 'One row each time that a ticket came to another team or agent than had it last.';
COMMENT ON COLUMN reporting.stations.came_to IS 'team or agent: it is in the column of the team, or of the assignee.';
COMMENT ON COLUMN reporting.stations.station IS '1: the first team, or agent, that had it.';
COMMENT ON COLUMN reporting.stations.handoff IS 'Whether another team, or agent, had it before.';
COMMENT ON VIEW reporting.escalations IS 'One row each time that a ticket was escalated or de-escalated.';
COMMENT ON COLUMN reporting.escalations.direction IS 'up or down.';
COMMENT ON COLUMN reporting.escalations.from_level IS 'The level that it left; it came to the one in `level`.';
COMMENT ON COLUMN reporting.escalations.cause IS 'manual, sla_warning, sla_breach, rule or import.';
COMMENT ON VIEW reporting.satisfaction IS 'One row each time that a requester was asked, rated, or changed a rating.';
COMMENT ON COLUMN reporting.satisfaction.happened IS 'requested, rated (only as it stands now) or changed.';
COMMENT ON COLUMN reporting.satisfaction.occasion IS 'Of a request: resolved or survey.';
COMMENT ON COLUMN reporting.satisfaction.score IS '1 to 5.';
COMMENT ON COLUMN reporting.satisfaction.verdict IS
    'Of a rating: good (4, 5), neutral (3) or bad; of a change: good_to_bad, bad_to_good or other.';
COMMENT ON COLUMN reporting.satisfaction.seconds IS 'Since the request.';
COMMENT ON COLUMN reporting.satisfaction.agent IS 'Who was rated: reporting.agents.';
COMMENT ON VIEW reporting.time_entries IS 'One row a piece of work that was logged.';
COMMENT ON COLUMN reporting.time_entries.seconds IS 'How long it took.';
COMMENT ON COLUMN reporting.time_entries.billable IS 'Whether the customer pays for it.';
COMMENT ON COLUMN reporting.time_entries.cost IS
    'By the rate that was in force when it was logged, in minor units of the currency; null: there was none.';
COMMENT ON COLUMN reporting.time_entries.currency IS 'As ISO 4217 names it.';
COMMENT ON COLUMN reporting.time_entries.agent IS 'Whose work it was: reporting.agents.';
COMMENT ON VIEW reporting.sla_outcomes IS 'One row a promise that was kept or broken.';
COMMENT ON COLUMN reporting.sla_outcomes.at IS 'The exact instant at which it was kept, or fell due.';
COMMENT ON COLUMN reporting.sla_outcomes.metric IS 'As in reporting.sla_cycles.';
COMMENT ON COLUMN reporting.sla_outcomes.met IS 'Whether it was kept.';
COMMENT ON FUNCTION reporting.backlog_at(timestamptz) IS
    'The tickets that were not resolved or closed at an instant, as they were then.';
COMMENT ON VIEW reporting.backlog_daily IS
    'How many tickets of each kind were open at 00:00 UTC of each day. Ask for a range of at: each day is worked out.';
COMMENT ON COLUMN reporting.backlog_daily.at IS 'The instant.';
COMMENT ON VIEW reporting.backlog_hourly IS
    'The same for each full hour. Ask for a range of at: each hour is worked out.';
COMMENT ON COLUMN reporting.backlog_hourly.at IS 'The instant.';
COMMENT ON COLUMN reporting.backlog_daily.unanswered IS 'In how many of them a customer waited for an answer.';
COMMENT ON COLUMN reporting.backlog_hourly.unanswered IS 'In how many of them a customer waited for an answer.';

-- What says the same in every view is said once.
DO $$ DECLARE said record; BEGIN
    FOR said IN
        SELECT a.attrelid::regclass AS relation, a.attname AS name, w.words
          FROM pg_attribute a JOIN (VALUES
                   ('ticket', 'Its id, the same in every view.'),
                   ('number', 'What people call the ticket: 1042 is T-1042.'),
                   ('at', 'When it happened.'),
                   ('status', 'new, open, pending (waits for the requester), on_hold or resolved.'),
                   ('unanswered', 'Whether a customer waited for an answer.'),
                   ('opened_at', 'When the ticket was opened.'),
                   ('business_seconds', 'The same within the hours of the calendars that policies named, if any.'),
                   ('actor', 'Who did it: agent, customer, system, rule or import.'),
                   ('team', 'Who had the ticket then: reporting.teams.'),
                   ('assignee', 'Who had the ticket then: reporting.agents.'),
                   ('requester', 'Who asked: reporting.customers.'),
                   ('channel', 'email, chat, phone, social, web_form or api.'),
                   ('ticket_type', 'question, incident, problem or task, then.'),
                   ('priority', 'low, normal, high or urgent, then.'),
                   ('level', 'Escalation level then: 1 is the first line.'),
                   ('category', 'Then; null unless ticket.category is declared reportable.'),
                   ('tags', 'Then; null unless ticket.tags is declared reportable.'),
                   ('policy', 'The policy in force then.'),
                   ('policy_version', 'Which version of that policy.'),
                   ('calendar', 'The calendar in force then: reporting.calendars.'),
                   ('calendar_version', 'Which version of its hours.'),
                   ('version', 'The event of the ticket that tells of it.'),
                   ('tickets', 'How many.')
               ) AS w (name, words) ON w.name = a.attname
         WHERE col_description(a.attrelid, a.attnum) IS NULL
           AND a.attrelid IN (
               'reporting.spans'::regclass, 'reporting.arrivals'::regclass, 'reporting.replies'::regclass,
               'reporting.resolutions'::regclass, 'reporting.reopenings'::regclass, 'reporting.stations'::regclass,
               'reporting.escalations'::regclass, 'reporting.satisfaction'::regclass,
               'reporting.time_entries'::regclass, 'reporting.sla_outcomes'::regclass,
               'reporting.backlog_daily'::regclass, 'reporting.backlog_hourly'::regclass)
    LOOP
        EXECUTE format('COMMENT ON COLUMN %s.%I IS %L', said.relation, said.name, said.words);
    END LOOP;
END $$;
