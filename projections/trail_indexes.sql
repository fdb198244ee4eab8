-- recorded_at never falls as positions rise: whoever asks for a time of recording asks for positions.
CREATE UNIQUE INDEX trail_position ON trail (position);
CREATE INDEX trail_actor ON trail (actor_kind, actor_id, position);
CREATE INDEX trail_type ON trail (type, position);
CREATE INDEX trail_occurred ON trail (occurred_at, position);
CREATE INDEX trail_id ON trail (id);
CREATE INDEX trail_command ON trail (command_id);
CREATE INDEX trail_correlation ON trail (correlation_id) WHERE correlation_id <> command_id;
CREATE INDEX trail_causation ON trail (causation_id) WHERE causation_id IS NOT NULL;
