DROP VIEW IF EXISTS read.queues, read.queue_courses, read.queue_spans, read.queue_counts;

CREATE VIEW read.queues AS
SELECT stream AS id, version, number, requester, subject, channel, category, skill, team, assignee, priority,
       priority_rank, status, level, tags, opened_at, updated_at, waiting_since, waiting_key, last_requester_message_at,
       last_public_reply_at, listed, since, late
  FROM queues WHERE opened_at IS NOT NULL;

CREATE VIEW read.queue_courses AS
SELECT stream AS id, number, requester, subject, channel, category, team, assignee, priority, status, level, tags,
       opened_at, updated_at, waiting_since, last_requester_message_at, last_public_reply_at, since,
       status <> 'closed' AS listed
  FROM queue_courses WHERE opened_at IS NOT NULL;

CREATE VIEW read.queue_spans AS
SELECT stream AS id, basis, since, until, size, updated_at, until_at, size_at, category, team, assignee, priority,
       status, level, tags, waiting_since, last_requester_message_at, last_public_reply_at,
       status <> 'closed' AS listed
  FROM queue_spans;

CREATE VIEW read.queue_counts AS
SELECT team, status, priority, unassigned, sum(tickets)::bigint AS tickets
  FROM queue_counts GROUP BY team, status, priority, unassigned;
