-- The desk's configuration and its customers. Null where a personal text was erased.
CREATE TABLE teams (
    stream  uuid    PRIMARY KEY,
    version bigint  NOT NULL,
    name    text    NOT NULL,
    leader  uuid,
    enabled boolean NOT NULL
);

CREATE TABLE team_members (
    team  uuid NOT NULL,
    agent uuid NOT NULL,
    PRIMARY KEY (team, agent)
);

CREATE TABLE agents (
    stream   uuid    PRIMARY KEY,
    version  bigint  NOT NULL,
    name     text    NOT NULL,
    skills   jsonb   NOT NULL,
    capacity int     NOT NULL,
    online   boolean NOT NULL,
    enabled  boolean NOT NULL
);

CREATE TABLE customers (
    stream       uuid   PRIMARY KEY,
    version      bigint NOT NULL,
    name         text,
    contacts     jsonb  NOT NULL,
    language     text,
    tier         text   NOT NULL,
    organisation uuid,
    name_key     text   GENERATED ALWAYS AS (coalesce(name, '')) STORED
);

CREATE TABLE organisations (
    stream  uuid   PRIMARY KEY,
    version bigint NOT NULL,
    name    text   NOT NULL
);

-- The hours that were published last; null before any were.
CREATE TABLE calendars (
    stream         uuid   PRIMARY KEY,
    version        bigint NOT NULL,
    name           text   NOT NULL,
    hours_version  int    NOT NULL,
    hours          jsonb,
    effective_from timestamptz
);
