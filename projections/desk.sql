-- The desk's configuration and its customers. Null where a personal text was erased.
CREATE TABLE teams (
    stream  uuid    PRIMARY KEY,
    version bigint  NOT NULL,
    name    text    NOT NULL,
    leader  uuid,
    enabled boolean NOT NULL
);
CREATE INDEX teams_name ON teams (name, stream);

CREATE TABLE team_members (
    team  uuid NOT NULL,
    agent uuid NOT NULL,
    PRIMARY KEY (team, agent)
);
CREATE INDEX team_members_agent ON team_members (agent);

CREATE TABLE agents (
    stream   uuid    PRIMARY KEY,
    version  bigint  NOT NULL,
    name     text    NOT NULL,
    skills   jsonb   NOT NULL,
    capacity int     NOT NULL,
    online   boolean NOT NULL,
    enabled  boolean NOT NULL
);
CREATE INDEX agents_name ON agents (name, stream);

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
CREATE INDEX customers_name ON customers (name_key, stream);
CREATE INDEX customers_organisation ON customers (organisation);

CREATE TABLE organisations (
    stream  uuid   PRIMARY KEY,
    version bigint NOT NULL,
    name    text   NOT NULL
);
CREATE INDEX organisations_name ON organisations (name, stream);

-- The hours that were published last; null before any were.
CREATE TABLE calendars (
    stream         uuid   PRIMARY KEY,
    version        bigint NOT NULL,
    name           text   NOT NULL,
    hours_version  int    NOT NULL,
    hours          jsonb,
    effective_from timestamptz
);
CREATE INDEX calendars_name ON calendars (name, stream);
