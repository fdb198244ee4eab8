-- Where an instant lies in the log.

-- The last position recorded at or before `at`, found by halving: recorded_at never falls as positions rise.
-- What is being appended right now may still get that instant, so where it could, its commit is waited for.
CREATE FUNCTION store.position_at(at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head   store.head;
    low    bigint := 0;
    high   bigint;
    middle bigint;
BEGIN
    SELECT * INTO STRICT head FROM store.head;
    IF head.recorded_at <= at THEN
        PERFORM pg_advisory_xact_lock_shared(4242, 1);
        SELECT * INTO STRICT head FROM store.head;
    END IF;
    high := head.position;
    WHILE low < high LOOP
        middle := (low + high + 1) / 2;
        IF (SELECT e.recorded_at FROM store.events e WHERE e.notification_id = middle) <= at THEN
            low := middle;
        ELSE
            high := middle - 1;
        END IF;
    END LOOP;
    RETURN low;
END $$;
REVOKE ALL ON FUNCTION store.position_at FROM PUBLIC;
GRANT EXECUTE ON FUNCTION store.position_at TO chronodesk_app;
