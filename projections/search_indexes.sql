CREATE INDEX search_texts_words ON search_texts USING gin (words) WITH (gin_pending_list_limit = 1024);
CREATE INDEX search_texts_public ON search_texts (stream) WHERE kind <> 'internal';
CREATE INDEX search_tickets_requester ON search_tickets (requester);
