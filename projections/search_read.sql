DROP VIEW IF EXISTS read.search_tickets, read.search_texts, read.customer_search;

CREATE VIEW read.search_tickets AS
SELECT stream AS id, version, position, number, requester, subject, channel, category, team, assignee, priority, status,
       tags, resolution_code, spam, opened_at, first_message
  FROM search_tickets WHERE number <> 0;

CREATE VIEW read.search_texts AS
SELECT stream AS ticket, version, position, kind, at, author_kind, author_id, language, words
  FROM search_texts;

-- All that a customer's search may look at: it reads this and nothing else.
CREATE VIEW read.customer_search AS
SELECT x.stream AS ticket, t.number AS ticket_number, t.requester, t.subject,
       CASE t.status WHEN 'on_hold' THEN 'open' ELSE t.status END AS status,
       x.kind, x.public_number AS number, x.at, x.language, x.words,
       CASE x.author_kind WHEN 'customer' THEN 'customer' ELSE 'support' END AS author,
       x.author_kind = 'customer' AND x.author_id = t.requester::text AS own
  FROM search_tickets t JOIN search_texts x ON x.stream = t.stream
 WHERE x.kind <> 'internal' AND t.number <> 0;
