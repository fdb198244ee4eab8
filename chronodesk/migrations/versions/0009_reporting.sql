-- What analysts read: schema `reporting`, and a role that reads nothing else.

-- Logins in this role are made by `chronodesk analyst create`; what is set here holds for whoever logs in as it.
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'chronodesk_analyst') THEN
        CREATE ROLE chronodesk_analyst NOLOGIN;
        ALTER ROLE chronodesk_analyst SET default_transaction_read_only = on;
        ALTER ROLE chronodesk_analyst SET statement_timeout = '60s';
    END IF;
END $$;
-- Desks of one server share that role: only who is let into a database reads its `reporting`. Rights on a database are
-- not copied with it, so `chronodesk analyst create` says this once more.
DO $$ BEGIN
    EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO chronodesk_app', current_database());
END $$;

CREATE SCHEMA reporting;
REVOKE ALL ON SCHEMA reporting FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA reporting TO chronodesk_app;
GRANT USAGE ON SCHEMA reporting TO chronodesk_analyst;

-- What the views of a build were made from: where this code makes others of the same tables, they are made anew.
ALTER TABLE consumers.builds ADD COLUMN views text;

-- Straight from the log, so that what is withdrawn is hidden at once.
CREATE VIEW reporting.reportable_fields WITH (security_barrier) AS
SELECT e.fact ->> 'name' AS name, e.fact ->> 'type' AS type, e.fact ->> 'label' AS label, e.recorded_at AS declared_at
  FROM (SELECT DISTINCT ON (fact ->> 'name') topic, fact, recorded_at
          FROM (SELECT topic, convert_from(state, 'UTF8')::jsonb -> 'fact' AS fact, recorded_at, originator_version
                  FROM store.events WHERE originator_id = '2c9f9d1e-6f0b-4c55-9a53-0f6d6c1f4b27') told
         ORDER BY fact ->> 'name', originator_version DESC) e
 WHERE e.topic = 'reportable_fields.declared.v1';

-- Words that people type on each ticket are no enumerations until the desk says so.
CREATE VIEW read.reportable_words AS
SELECT count(*) FILTER (WHERE name = 'ticket.category') > 0 AS category,
       count(*) FILTER (WHERE name = 'ticket.tags') > 0 AS tags,
       count(*) FILTER (WHERE name = 'ticket.resolution_code') > 0 AS resolution_code
  FROM reporting.reportable_fields;

-- Which build stands behind a view is asked of the catalogue: so no list of views has to be kept.
CREATE VIEW reporting.as_of WITH (security_barrier) AS
WITH RECURSIVE reads (view, class, object) AS (
    SELECT c.relname, 'pg_class'::regclass::oid, c.oid
      FROM pg_class c WHERE c.relnamespace = 'reporting'::regnamespace AND c.relkind = 'v'
     UNION
    SELECT reads.view, d.refclassid, d.refobjid
      FROM reads CROSS JOIN LATERAL (
               SELECT 'pg_rewrite'::regclass AS class, r.oid FROM pg_rewrite r
                WHERE reads.class = 'pg_class'::regclass AND r.ev_class = reads.object
                UNION ALL
               SELECT reads.class, reads.object WHERE reads.class = 'pg_proc'::regclass
           ) AS body JOIN pg_depend d ON d.classid = body.class AND d.objid = body.oid
     WHERE d.refclassid IN ('pg_class'::regclass, 'pg_proc'::regclass)
), builds AS (
    SELECT b.schema, b.view, b.version, min(c.position) AS position
      FROM consumers.builds b JOIN consumers.checkpoints c USING (schema) WHERE b.live GROUP BY b.schema
)
SELECT DISTINCT reads.view::text AS view, b.view AS model, b.version, b.position,
       (SELECT e.recorded_at FROM store.events e WHERE e.notification_id = b.position) AS at,
       (SELECT h.position FROM store.head h) - b.position AS behind
  FROM reads JOIN pg_class c ON c.oid = reads.object AND reads.class = 'pg_class'::regclass
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN builds b ON b.schema = n.nspname;

GRANT SELECT ON reporting.reportable_fields, reporting.as_of TO chronodesk_app, chronodesk_analyst;
GRANT SELECT ON read.reportable_words TO chronodesk_app;

COMMENT ON SCHEMA reporting IS
    'Facts for analysts: enumerations, ids, numbers and instants, no text that people write.';

COMMENT ON VIEW reporting.reportable_fields IS 'Fields that the desk declared reportable: their values are shown.';
COMMENT ON COLUMN reporting.reportable_fields.name IS
    'A custom field, or ticket.category, ticket.tags, ticket.resolution_code: columns that are null until declared.';
COMMENT ON COLUMN reporting.reportable_fields.type IS
    'boolean, number or text: a value of another type, which somebody may yet have entered, is not shown.';
COMMENT ON COLUMN reporting.reportable_fields.label IS 'What the desk calls it.';
COMMENT ON COLUMN reporting.reportable_fields.declared_at IS 'Since when it has been shown as this.';

COMMENT ON VIEW reporting.as_of IS
    'What each view reflects: every event up to a position, and of some tickets later ones already.';
COMMENT ON COLUMN reporting.as_of.view IS 'A view of this schema. Those that are not here are never behind.';
COMMENT ON COLUMN reporting.as_of.model IS 'The read model behind it: what has the same one is at the same position.';
COMMENT ON COLUMN reporting.as_of.version IS 'Of the read model: another version may count otherwise.';
COMMENT ON COLUMN reporting.as_of.position IS 'Position in the log up to which it has everything.';
COMMENT ON COLUMN reporting.as_of.at IS 'When the event at that position was recorded; null before any was.';
COMMENT ON COLUMN reporting.as_of.behind IS 'How many events the log is ahead.';
