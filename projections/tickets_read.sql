DROP VIEW IF EXISTS read.tickets, read.messages, read.customer_tickets, read.customer_messages;

CREATE VIEW read.tickets AS
SELECT stream AS id, version, position, number, requester, subject, channel, category, team, assignee, priority,
       ticket_type, status, level, spam, tags, watchers, fields, links, follow_up_of, follow_up, public_replies,
       resolution_code, time_spent, source, source_case, opened_at, updated_at, thread_version
  FROM tickets WHERE number <> 0;

CREATE VIEW read.messages AS
SELECT ticket, version, audience, kind, author_kind, author_id, body, at, channel, automatic, public_number
  FROM messages;

-- All that a customer may see: queries for customers read these two and nothing else.
CREATE VIEW read.customer_tickets AS
SELECT stream AS id, number, requester, subject, channel,
       CASE status WHEN 'on_hold' THEN 'open' ELSE status END AS status,
       follow_up_of, follow_up, opened_at, thread_updated_at AS updated_at, thread_version
  FROM tickets WHERE number <> 0;

CREATE VIEW read.customer_messages AS
SELECT m.ticket, t.requester, m.public_number AS number,
       CASE m.author_kind WHEN 'customer' THEN 'customer' ELSE 'support' END AS author,
       m.author_kind = 'customer' AND m.author_id = t.requester::text AS own, m.automatic, m.body, m.at, m.channel
  FROM messages m JOIN tickets t ON t.stream = m.ticket
 WHERE m.audience = 'public' AND t.number <> 0;

DROP VIEW IF EXISTS reporting.ticket_fields, reporting.ticket_tags;

-- What was not declared, or is of another type than was declared, is free text to an analyst.
CREATE VIEW reporting.ticket_fields WITH (security_barrier) AS
SELECT t.stream AS ticket, t.number, f.name, f.type, t.fields ->> f.name AS value,
       CASE f.type WHEN 'number' THEN (t.fields ->> f.name)::numeric END AS amount
  FROM tickets t
  JOIN reporting.reportable_fields f ON jsonb_typeof(t.fields -> f.name) = replace(f.type, 'text', 'string')
 WHERE t.number <> 0;

CREATE VIEW reporting.ticket_tags WITH (security_barrier) AS
SELECT t.stream AS ticket, t.number, tag
  FROM tickets t CROSS JOIN unnest(t.tags) AS tag
 WHERE t.number <> 0 AND (SELECT w.tags FROM read.reportable_words w);

GRANT SELECT ON reporting.ticket_fields, reporting.ticket_tags TO chronodesk_analyst;

COMMENT ON VIEW reporting.ticket_fields IS 'One row a ticket and custom field that is declared reportable.';
COMMENT ON COLUMN reporting.ticket_fields.ticket IS 'Its id, the same in every view.';
COMMENT ON COLUMN reporting.ticket_fields.number IS 'What people call the ticket: 1042 is T-1042.';
COMMENT ON COLUMN reporting.ticket_fields.name IS 'Of the field: reporting.reportable_fields.';
COMMENT ON COLUMN reporting.ticket_fields.type IS
    'boolean, number or text, as declared; values of another type are not here.';
COMMENT ON COLUMN reporting.ticket_fields.value IS 'The value as text: true, 4 or a word.';
COMMENT ON COLUMN reporting.ticket_fields.amount IS 'The value of a number; else null.';
COMMENT ON VIEW reporting.ticket_tags IS 'One row a ticket and tag; empty unless ticket.tags is declared reportable.';
COMMENT ON COLUMN reporting.ticket_tags.ticket IS 'Its id, the same in every view.';
COMMENT ON COLUMN reporting.ticket_tags.number IS 'What people call the ticket: 1042 is T-1042.';
COMMENT ON COLUMN reporting.ticket_tags.tag IS 'One of its tags now.';
