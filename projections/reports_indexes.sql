CREATE INDEX reports_opened ON reports (opened_at);
CREATE INDEX reports_resolved ON reports (first_resolved_at) WHERE first_resolved_at IS NOT NULL;
