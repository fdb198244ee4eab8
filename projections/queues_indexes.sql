CREATE INDEX queues_waiting ON queues (waiting_key, opened_at, stream) WHERE listed;
CREATE INDEX queues_priority ON queues (priority_rank, waiting_key, opened_at, stream) WHERE listed;
CREATE INDEX queues_opened ON queues (opened_at, stream) WHERE listed;
CREATE INDEX queues_updated ON queues (updated_at, stream) WHERE listed;
CREATE INDEX queues_team_waiting ON queues (team, waiting_key, opened_at, stream) WHERE listed;
CREATE INDEX queues_team_priority ON queues (team, priority_rank, waiting_key, opened_at, stream) WHERE listed;
CREATE INDEX queues_assignee ON queues (assignee) WHERE listed;
CREATE INDEX queues_requester ON queues (requester) WHERE listed;
CREATE INDEX queues_next ON queues (priority_rank, coalesce(waiting_since, opened_at), stream)
    WHERE listed AND assignee IS NULL AND status IN ('new', 'open');
CREATE INDEX queues_team_next ON queues (team, priority_rank, coalesce(waiting_since, opened_at), stream)
    WHERE listed AND assignee IS NULL AND status IN ('new', 'open');
CREATE INDEX queues_requester_next ON queues (requester)
    WHERE listed AND assignee IS NULL AND status IN ('new', 'open');
CREATE INDEX queues_closed_opened ON queues (opened_at, stream) WHERE status = 'closed';
CREATE INDEX queues_closed_updated ON queues (updated_at, stream) WHERE status = 'closed';
CREATE INDEX queues_closed_team ON queues (team, updated_at, stream) WHERE status = 'closed';
CREATE INDEX queues_closed_assignee ON queues (assignee, updated_at, stream) WHERE status = 'closed';
CREATE INDEX queue_spans_stream ON queue_spans (stream);
CREATE INDEX queue_spans_position ON queue_spans (size, since) WHERE size > 0;
CREATE INDEX queue_spans_instant ON queue_spans (size_at, updated_at) WHERE size_at > 0;
