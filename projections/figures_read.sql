DROP VIEW IF EXISTS read.figures, read.figure_spans;

CREATE VIEW read.figures AS
SELECT stream, place, number, kind, at, version, started_at, from_version, micros, business_micros, amount, detail,
       actor, agent, cost, currency, requester, channel, category, team, assignee, priority, ticket_type, level, tags,
       policy, policy_version, calendar, calendar_version, since, until
  FROM figures;

CREATE VIEW read.figure_spans AS
SELECT stream, place, number, status, unanswered, requester, channel, category, team, assignee, priority, ticket_type,
       level, tags, opened_at, from_at, from_version, to_at, to_version, micros, business_micros, size_at, policy,
       policy_version, calendar, calendar_version, since, ended, until
  FROM figure_spans;
