#!/bin/sh
# Runs once, when compose's Postgres makes its data directory: the two roles that the embedded one gets from
# chronodesk/local/postgres.py. psql's own quoting puts the names and passwords in.
set -eu
psql -v ON_ERROR_STOP=1 -U "${POSTGRES_USER:-postgres}" -d "$POSTGRES_DB" \
    -v owner_password="$OWNER_PASSWORD" -v app_password="$APP_PASSWORD" -v database="$POSTGRES_DB" <<'SQL'
CREATE ROLE chronodesk_owner LOGIN CREATEROLE PASSWORD :'owner_password';
CREATE ROLE chronodesk_app LOGIN PASSWORD :'app_password';
GRANT chronodesk_app TO chronodesk_owner WITH ADMIN OPTION;
ALTER DATABASE :"database" OWNER TO chronodesk_owner;
REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;
SQL
