-- What any login of a server may do unless it is withheld: hold the locks that the application takes, keep large
-- objects, write to the WAL. Run by a superuser in each desk's database; safe to run again.
DO $$ DECLARE one regprocedure; BEGIN
    FOR one IN
        SELECT p.oid::regprocedure FROM pg_proc p
         WHERE p.pronamespace = 'pg_catalog'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')
           AND p.proname ~ '^(pg_(try_)?advisory_|pg_logical_emit_message$|lo_|loread$|lowrite$)'
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', one);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO chronodesk_owner, chronodesk_app', one);
    END LOOP;
END $$;
