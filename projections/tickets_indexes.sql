CREATE INDEX tickets_number ON tickets (number);
CREATE INDEX tickets_requester ON tickets (requester, number);
CREATE INDEX messages_public ON messages (ticket, public_number) WHERE audience = 'public';
