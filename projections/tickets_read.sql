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
