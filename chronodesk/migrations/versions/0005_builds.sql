-- Builds that are no longer needed can be dropped.

-- maker: what a consumer builds waits for its next worker; what a run builds (rebuild, verify) is garbage as soon as
-- nobody holds that run's lock. retired_at: since when another build stands in its place.
ALTER TABLE consumers.builds
    ADD COLUMN maker text NOT NULL DEFAULT 'consumer' CHECK (maker IN ('consumer', 'rebuild', 'verify')),
    ADD COLUMN retired_at timestamptz CHECK (retired_at IS NULL OR NOT live);
UPDATE consumers.builds b SET retired_at = now()
 WHERE EXISTS (SELECT FROM consumers.builds l WHERE l.view = b.view AND l.live AND l.number > b.number);

-- The number that a view's newest build was given, whether that build is still there or not.
CREATE TABLE consumers.numbers (
    view   text PRIMARY KEY,
    number int  NOT NULL
);
GRANT SELECT, INSERT, UPDATE ON consumers.numbers TO chronodesk_app;

-- The application may drop the schemas of builds that are not live, and no others.
CREATE FUNCTION consumers.drop_build(name text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM consumers.builds WHERE schema = name AND NOT live AND name ~ '^[a-z][a-z0-9_]*_v[0-9]+_b[0-9]+$';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'not a build that may be dropped: %', name USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('DROP SCHEMA %I CASCADE', name);
END $$;
REVOKE ALL ON FUNCTION consumers.drop_build FROM PUBLIC;
GRANT EXECUTE ON FUNCTION consumers.drop_build TO chronodesk_app;
