-- The event store: an append-only, hash-chained log, written by one function only.

DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'chronodesk_app') THEN
        CREATE ROLE chronodesk_app;
    END IF;
END $$;
-- Where one login does everything, its processes still act as the application only: so it must be able to become it.
DO $$ BEGIN
    GRANT chronodesk_app TO CURRENT_USER;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE '% may not grant chronodesk_app to itself', current_user;
END $$;

CREATE SCHEMA store;
REVOKE ALL ON SCHEMA store FROM PUBLIC;

-- The first five columns are the `eventsourcing` library's own; notification_id is the position.
CREATE TABLE store.events (
    originator_id      uuid        NOT NULL,
    originator_version bigint      NOT NULL,
    topic              text        NOT NULL,
    state              bytea       NOT NULL,
    notification_id    bigint      NOT NULL PRIMARY KEY,
    recorded_at        timestamptz NOT NULL,
    hash               bytea       NOT NULL
);
CREATE UNIQUE INDEX events_stream ON store.events (originator_id, originator_version);
ALTER TABLE store.events SET (autovacuum_vacuum_insert_scale_factor = 0.1, autovacuum_analyze_scale_factor = 0.02);

-- Who may write next in a stream: the concurrency guard, changed only by store.append.
CREATE TABLE store.streams (
    id      uuid   PRIMARY KEY,
    version bigint NOT NULL
) WITH (fillfactor = 80);

-- Commands that wrote, so that a retry finds its own success.
CREATE TABLE store.commands (
    command_id     uuid   PRIMARY KEY,
    caller         text   NOT NULL,
    request        bytea  NOT NULL,
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL
);

-- Uniqueness across streams: ticket numbers, e-mail addresses (as HMAC), external ids.
CREATE TABLE store.reservations (
    namespace text  NOT NULL,
    key       bytea NOT NULL,
    stream    uuid  NOT NULL,
    PRIMARY KEY (namespace, key)
);

CREATE TABLE store.head (
    one         boolean     PRIMARY KEY DEFAULT true CHECK (one),
    log_id      uuid        NOT NULL DEFAULT gen_random_uuid(),
    position    bigint      NOT NULL,
    recorded_at timestamptz NOT NULL,
    hash        bytea       NOT NULL
) WITH (fillfactor = 10);
INSERT INTO store.head (position, recorded_at, hash)
VALUES (0, 'epoch', decode(repeat('00', 32), 'hex'));

CREATE SEQUENCE store.ticket_numbers START 1001;

CREATE FUNCTION store.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the event log is append-only: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON store.events
    FOR EACH ROW EXECUTE FUNCTION store.refuse_change();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON store.events
    FOR EACH STATEMENT EXECUTE FUNCTION store.refuse_change();

-- The link of the hash chain. Binary forms only: text forms depend on session settings. STABLE, as convert_to is: a
-- function that claims more than its body is never inlined.
CREATE FUNCTION store.chain(
    prev bytea, at_position bigint, stream uuid, version bigint, type text, at timestamptz, state bytea
) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
RETURN sha256(
    prev || int8send(at_position) || uuid_send(stream) || int8send(version)
    || int4send(octet_length(type)) || convert_to(type, 'UTF8') || timestamptz_send(at) || state
);

-- Why what these commands write cannot all be appended: NULL if it can. Run under the append lock.
-- The first offence of each kind is enough: it is asked about many commands at once only to learn that all hold.
CREATE FUNCTION store.offence(
    write_streams uuid[], write_expected bigint[], write_counts int[],
    read_streams uuid[], read_versions bigint[],
    reserve_namespaces text[], reserve_keys bytea[], reserve_streams uuid[]
) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    -- Several commands may write one stream in one call: each must expect what the one before leaves.
    IF EXISTS (
        SELECT FROM (
            SELECT w.stream, min(w.expected) AS expected, max(w.expected + w.n) AS version, sum(w.n) AS n
              FROM unnest(write_streams, write_expected, write_counts) AS w (stream, expected, n) GROUP BY w.stream
        ) AS w LEFT JOIN store.streams s ON s.id = w.stream
         WHERE w.expected <> coalesce(s.version, 0) OR w.version - w.expected <> w.n
    ) THEN
        RETURN 'conflict';
    END IF;
    IF read_streams <> '{}' AND EXISTS (
        SELECT FROM unnest(read_streams, read_versions) AS r (stream, version)
          LEFT JOIN store.streams s ON s.id = r.stream
         WHERE coalesce(s.version, 0) <> r.version OR r.stream = ANY (write_streams)
    ) THEN
        RETURN 'stale_read';
    END IF;
    IF reserve_keys <> '{}' AND EXISTS (
        SELECT FROM unnest(reserve_namespaces, reserve_keys, reserve_streams) AS r (namespace, key, stream)
          LEFT JOIN store.reservations t USING (namespace, key)
         GROUP BY namespace, key
        HAVING min(r.stream::text) <> max(r.stream::text)
            OR max(t.stream::text) <> min(r.stream::text)
    ) THEN
        RETURN 'reserved';
    END IF;
    RETURN NULL;
END $$;

CREATE TYPE store.outcome AS (
    command        int,         -- 1-based place in the call
    outcome        text,        -- accepted, duplicate, reused, conflict, stale_read, reserved
    first_position bigint,
    last_position  bigint
);

-- Where each command's events came to stand in the log.
CREATE TYPE store.places AS (firsts bigint[], lasts bigint[]);

-- Append what many commands wrote, in one transaction, each command all or nothing and with its own outcome.
-- Arrays of writes, events, reads and reservations name their command by its 1-based place, in rising order;
-- events name their write the same way. `SELECT` it in autocommit: the lock is held until the commit.
CREATE FUNCTION store.append(
    command_ids uuid[], callers text[], requests bytea[],
    write_commands int[], write_streams uuid[], write_expected bigint[], write_counts int[],
    event_commands int[], event_writes int[], event_types text[], event_states bytea[],
    read_commands int[] DEFAULT '{}', read_streams uuid[] DEFAULT '{}', read_versions bigint[] DEFAULT '{}',
    reserve_commands int[] DEFAULT '{}', reserve_namespaces text[] DEFAULT '{}', reserve_keys bytea[] DEFAULT '{}',
    reserve_streams uuid[] DEFAULT '{}'
) RETURNS SETOF store.outcome
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
-- Planning anew for each call's arrays took longer than running them (measured: twice the time at 32 commands).
SET plan_cache_mode = force_generic_plan
-- A plan that was made while the tables were small must not read all of them when they are large: without these
-- three a lone append took half as long again (measured).
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off AS $$
DECLARE
    places store.places;
BEGIN
    -- Positions are handed out under this lock and it is held until commit: so they are gapless and in commit order.
    PERFORM pg_advisory_xact_lock(4242, 1);
    BEGIN
        IF store.offence(write_streams, write_expected, write_counts, read_streams, read_versions,
                         reserve_namespaces, reserve_keys, reserve_streams) IS NULL THEN
            places := store.write(
                command_ids, callers, requests, write_streams, write_expected, write_counts,
                event_commands, event_writes, event_types, event_states,
                reserve_namespaces, reserve_keys, reserve_streams);
            PERFORM pg_notify('events', '');
            RETURN QUERY SELECT p.i::int, 'accepted', p.first, p.last
                FROM unnest(places.firsts, places.lasts) WITH ORDINALITY AS p (first, last, i);
            RETURN;
        END IF;
    EXCEPTION WHEN unique_violation THEN
        NULL; -- A command that was here before. To look for each beforehand cost a tenth of the time (measured).
    END;
    -- Not all hold: judge them one by one, so that a stale command never fails its neighbours.
    FOR i IN 1..cardinality(command_ids) LOOP
        RETURN QUERY SELECT i, o.outcome, o.first_position, o.last_position
            FROM store.append_nth(i, command_ids, callers, requests,
                write_commands, write_streams, write_expected, write_counts,
                event_commands, event_types, event_states,
                read_commands, read_streams, read_versions,
                reserve_commands, reserve_namespaces, reserve_keys, reserve_streams) AS o;
    END LOOP;
END $$;

-- Command number `place` of a call, alone.
CREATE FUNCTION store.append_nth(
    place int,
    command_ids uuid[], callers text[], requests bytea[],
    write_commands int[], write_streams uuid[], write_expected bigint[], write_counts int[],
    event_commands int[], event_types text[], event_states bytea[],
    read_commands int[], read_streams uuid[], read_versions bigint[],
    reserve_commands int[], reserve_namespaces text[], reserve_keys bytea[], reserve_streams uuid[]
) RETURNS store.outcome LANGUAGE plpgsql AS $$
DECLARE
    w1 int := array_position(write_commands, place);
    w2 int := w1 - 1 + cardinality(array_positions(write_commands, place));
    e1 int := array_position(event_commands, place);
    e2 int := e1 - 1 + cardinality(array_positions(event_commands, place));
    r1 int := coalesce(array_position(read_commands, place), 1);
    r2 int := r1 - 1 + cardinality(array_positions(read_commands, place));
    v1 int := coalesce(array_position(reserve_commands, place), 1);
    v2 int := v1 - 1 + cardinality(array_positions(reserve_commands, place));
BEGIN
    RETURN store.append_one(
        command_ids[place], callers[place], requests[place],
        write_streams[w1:w2], write_expected[w1:w2], write_counts[w1:w2], event_types[e1:e2], event_states[e1:e2],
        read_streams[r1:r2], read_versions[r1:r2],
        reserve_namespaces[v1:v2], reserve_keys[v1:v2], reserve_streams[v1:v2]);
END $$;

-- Append what one command wrote, row by row: sets cost a lone command a quarter of its time (measured).
CREATE FUNCTION store.append_one(
    command uuid, caller text, request bytea,
    write_streams uuid[], write_expected bigint[], write_counts int[], event_types text[], event_states bytea[],
    read_streams uuid[] DEFAULT '{}', read_versions bigint[] DEFAULT '{}',
    reserve_namespaces text[] DEFAULT '{}', reserve_keys bytea[] DEFAULT '{}', reserve_streams uuid[] DEFAULT '{}'
) RETURNS store.outcome
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off AS $$
DECLARE
    earlier store.commands;
    why     text;
    head    store.head;
    at      timestamptz;
    link    bytea;
    e       int := 0;
    version bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(4242, 1);
    SELECT * INTO earlier FROM store.commands c WHERE c.command_id = command;
    IF FOUND THEN
        RETURN (1, CASE WHEN (earlier.caller, earlier.request) = (caller, request) THEN 'duplicate' ELSE 'reused' END,
                earlier.first_position, earlier.last_position)::store.outcome;
    END IF;
    IF cardinality(write_streams) = 1 AND read_streams = '{}' AND reserve_keys = '{}' THEN
        SELECT s.version INTO version FROM store.streams s WHERE s.id = write_streams[1];
        why := CASE WHEN coalesce(version, 0) <> write_expected[1] THEN 'conflict' END;
    ELSE
        why := store.offence(write_streams, write_expected, write_counts,
                             read_streams, read_versions, reserve_namespaces, reserve_keys, reserve_streams);
    END IF;
    IF why IS NOT NULL THEN
        RETURN (1, why, NULL, NULL)::store.outcome;
    END IF;
    SELECT * INTO STRICT head FROM store.head;
    at := greatest(clock_timestamp(), head.recorded_at);
    link := head.hash;
    FOR w IN 1..cardinality(write_streams) LOOP
        version := write_expected[w];
        FOR n IN 1..write_counts[w] LOOP
            e := e + 1;
            version := version + 1;
            link := store.chain(link, head.position + e, write_streams[w], version, event_types[e], at, event_states[e]);
            INSERT INTO store.events
                (originator_id, originator_version, topic, state, notification_id, recorded_at, hash)
            VALUES (write_streams[w], version, event_types[e], event_states[e], head.position + e, at, link);
        END LOOP;
        INSERT INTO store.streams AS s VALUES (write_streams[w], version)
            ON CONFLICT (id) DO UPDATE SET version = excluded.version;
    END LOOP;
    FOR v IN 1..cardinality(reserve_keys) LOOP
        INSERT INTO store.reservations VALUES (reserve_namespaces[v], reserve_keys[v], reserve_streams[v])
            ON CONFLICT DO NOTHING;
    END LOOP;
    UPDATE store.head AS h SET position = head.position + e, recorded_at = at, hash = link;
    INSERT INTO store.commands VALUES (command, caller, request, head.position + 1, head.position + e);
    PERFORM pg_notify('events', '');
    RETURN (1, 'accepted', head.position + 1, head.position + e)::store.outcome;
END $$;

-- Write commands that were found to hold. Only ever called under the append lock.
CREATE FUNCTION store.write(
    command_ids uuid[], callers text[], requests bytea[],
    write_streams uuid[], write_expected bigint[], write_counts int[],
    event_commands int[], event_writes int[], event_types text[], event_states bytea[],
    reserve_namespaces text[], reserve_keys bytea[], reserve_streams uuid[]
) RETURNS store.places LANGUAGE plpgsql AS $$
DECLARE
    head     store.head;
    at       timestamptz;
    link     bytea;
    place    bigint;
    a_write  int := 0;
    version  bigint;
    versions bigint[] := '{}';
    hashes   bytea[] := '{}';
    firsts   bigint[] := '{}';
    lasts    bigint[] := '{}';
    e        record;
BEGIN
    SELECT * INTO STRICT head FROM store.head;
    -- Taken under the lock: the clock of the wait before it would run backwards in position order.
    at := greatest(clock_timestamp(), head.recorded_at);
    link := head.hash;
    place := head.position;
    FOR e IN SELECT * FROM unnest(event_commands, event_writes, event_types, event_states) AS v (command, w, type, state)
    LOOP
        IF e.w <> a_write THEN
            a_write := e.w;
            version := write_expected[a_write];
        END IF;
        version := version + 1;
        place := place + 1;
        link := store.chain(link, place, write_streams[a_write], version, e.type, at, e.state);
        versions := versions || version;
        hashes := hashes || link;
        firsts[e.command] := coalesce(firsts[e.command], place);
        lasts[e.command] := place;
    END LOOP;
    INSERT INTO store.events
        (originator_id, originator_version, topic, state, notification_id, recorded_at, hash)
    SELECT write_streams[v.w], v.version, v.type, v.state, head.position + v.i, at, v.hash
      FROM unnest(event_writes, versions, event_types, event_states, hashes)
           WITH ORDINALITY AS v (w, version, type, state, hash, i);
    INSERT INTO store.streams AS s (id, version)
    SELECT w.stream, max(w.expected + w.n)
      FROM unnest(write_streams, write_expected, write_counts) AS w (stream, expected, n) GROUP BY w.stream
        ON CONFLICT (id) DO UPDATE SET version = excluded.version;
    IF reserve_keys <> '{}' THEN
        INSERT INTO store.reservations (namespace, key, stream)
        SELECT DISTINCT * FROM unnest(reserve_namespaces, reserve_keys, reserve_streams)
            ON CONFLICT DO NOTHING;
    END IF;
    UPDATE store.head SET position = place, recorded_at = at, hash = link;
    INSERT INTO store.commands SELECT * FROM unnest(command_ids, callers, requests, firsts, lasts);
    RETURN (firsts, lasts)::store.places;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA store FROM PUBLIC;
GRANT USAGE ON SCHEMA store TO chronodesk_app;
GRANT SELECT ON ALL TABLES IN SCHEMA store TO chronodesk_app;
GRANT USAGE ON SEQUENCE store.ticket_numbers TO chronodesk_app;
GRANT EXECUTE ON FUNCTION store.append, store.append_one, store.chain TO chronodesk_app;
-- A process is ready only when the schema is its own release's.
GRANT SELECT ON public.alembic_version TO chronodesk_app;
