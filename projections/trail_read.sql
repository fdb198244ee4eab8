DROP VIEW IF EXISTS read.trail;

CREATE VIEW read.trail AS
SELECT position, stream, version, id, number, type, recorded_at, occurred_at, actor_kind, actor_id, command_id,
       correlation_id, causation_id
  FROM trail;
