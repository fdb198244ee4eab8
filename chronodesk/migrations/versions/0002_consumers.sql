-- What carries events to the read models: builds, checkpoints, parked streams, the relay's cursor.

CREATE SCHEMA consumers;
REVOKE ALL ON SCHEMA consumers FROM PUBLIC;
-- Readers query these views; each points at the tables of the build that is live.
CREATE SCHEMA read;
GRANT USAGE, CREATE ON SCHEMA read TO chronodesk_app;

-- The partition of a stream, equal to consumers/partition.py: its id's first four bytes, unsigned, modulo 12.
CREATE FUNCTION consumers.partition_of(stream uuid) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (('x' || left(stream::text, 8))::bit(32)::bigint % 12)::int;

-- One row for each build of a read model: its tables live in a schema of their own.
CREATE TABLE consumers.builds (
    schema     text        PRIMARY KEY,
    view       text        NOT NULL,
    version    int         NOT NULL,
    number     int         NOT NULL,
    live       boolean     NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (view, number)
);
CREATE UNIQUE INDEX builds_live ON consumers.builds (view) WHERE live;

-- How far each partition of a build has come. `epoch` rises whenever a worker takes the partition over, so that the
-- one before can no longer commit. Kafka's offset is a hint and holds only for that topic_id.
CREATE TABLE consumers.checkpoints (
    schema       text        NOT NULL REFERENCES consumers.builds ON DELETE CASCADE,
    partition    int         NOT NULL,
    position     bigint      NOT NULL DEFAULT 0,
    epoch        bigint      NOT NULL DEFAULT 0,
    topic_id     text,
    kafka_offset bigint,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (schema, partition)
) WITH (fillfactor = 20);

-- Events that a build could not apply, and what came behind them in the same stream (error: null).
-- The log keeps the content, and errors never quote it.
CREATE TABLE consumers.parked (
    schema    text        NOT NULL REFERENCES consumers.builds ON DELETE CASCADE,
    stream    uuid        NOT NULL,
    version   bigint      NOT NULL,
    position  bigint      NOT NULL,
    type      text        NOT NULL,
    error     text,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (schema, stream, version)
);

-- Everything up to `position` is in the topic, and every partition's watermark says so.
CREATE TABLE consumers.relay (
    topic      text        PRIMARY KEY,
    topic_id   text        NOT NULL,
    position   bigint      NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 20);

GRANT USAGE ON SCHEMA consumers TO chronodesk_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA consumers TO chronodesk_app;
GRANT EXECUTE ON FUNCTION consumers.partition_of TO chronodesk_app;

-- The application may make schemas for builds, and no others.
CREATE FUNCTION consumers.create_schema(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF name !~ '^[a-z][a-z0-9_]*_v[0-9]+_b[0-9]+$' THEN
        RAISE EXCEPTION 'not the name of a build: %', name USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('CREATE SCHEMA %I', name);
    EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %I TO chronodesk_app', name);
END $$;
REVOKE ALL ON FUNCTION consumers.create_schema FROM PUBLIC;
GRANT EXECUTE ON FUNCTION consumers.create_schema TO chronodesk_app;
