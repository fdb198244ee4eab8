DROP VIEW IF EXISTS read.teams, read.team_members, read.agents, read.customers, read.organisations,
    read.calendars;

CREATE VIEW read.teams AS
SELECT t.stream AS id, t.version, t.name, t.leader,
       ARRAY(SELECT m.agent FROM team_members m WHERE m.team = t.stream ORDER BY m.agent) AS members, t.enabled
  FROM teams t;

CREATE VIEW read.team_members AS SELECT team, agent FROM team_members;

CREATE VIEW read.agents AS
SELECT a.stream AS id, a.version, a.name, a.skills, a.capacity, a.online, a.enabled,
       ARRAY(SELECT m.team FROM team_members m WHERE m.agent = a.stream ORDER BY m.team) AS teams
  FROM agents a;

CREATE VIEW read.customers AS
SELECT stream AS id, version, name, name_key, contacts, language, tier, organisation FROM customers;

CREATE VIEW read.organisations AS SELECT stream AS id, version, name FROM organisations;

CREATE VIEW read.calendars AS
SELECT stream AS id, version, name, hours ->> 'zone' AS zone, hours_version, hours, effective_from FROM calendars;

DROP VIEW IF EXISTS reporting.teams, reporting.team_members, reporting.agents, reporting.customers,
    reporting.calendars;

CREATE VIEW reporting.teams WITH (security_barrier) AS SELECT stream AS team, name, leader, enabled FROM teams;

CREATE VIEW reporting.team_members WITH (security_barrier) AS SELECT team, agent FROM team_members;

CREATE VIEW reporting.agents WITH (security_barrier) AS
SELECT stream AS agent, name, capacity, online, enabled FROM agents;

CREATE VIEW reporting.customers WITH (security_barrier) AS SELECT stream AS customer, tier, organisation FROM customers;

CREATE VIEW reporting.calendars WITH (security_barrier) AS
SELECT stream AS calendar, name, hours ->> 'zone' AS zone, hours_version, effective_from FROM calendars;

GRANT SELECT ON reporting.teams, reporting.team_members, reporting.agents, reporting.customers, reporting.calendars
    TO chronodesk_analyst;

COMMENT ON VIEW reporting.teams IS 'Who works together.';
COMMENT ON COLUMN reporting.teams.team IS 'Its id, the same in every view.';
COMMENT ON COLUMN reporting.teams.name IS 'What it is called.';
COMMENT ON COLUMN reporting.teams.leader IS 'An agent.';
COMMENT ON COLUMN reporting.teams.enabled IS 'Whether tickets go to it.';
COMMENT ON VIEW reporting.team_members IS 'One row a team and agent in it.';
COMMENT ON COLUMN reporting.team_members.team IS 'The team.';
COMMENT ON COLUMN reporting.team_members.agent IS 'The agent.';
COMMENT ON VIEW reporting.agents IS 'Who works here.';
COMMENT ON COLUMN reporting.agents.agent IS 'Their id, the same in every view.';
COMMENT ON COLUMN reporting.agents.name IS 'What they are called.';
COMMENT ON COLUMN reporting.agents.capacity IS 'How many open tickets they take at once.';
COMMENT ON COLUMN reporting.agents.online IS 'Whether they are there now.';
COMMENT ON COLUMN reporting.agents.enabled IS 'Whether they work here still.';
COMMENT ON VIEW reporting.customers IS 'Whom we serve, without names and addresses.';
COMMENT ON COLUMN reporting.customers.customer IS 'Their id: the requester of the other views.';
COMMENT ON COLUMN reporting.customers.tier IS 'standard, premium or vip.';
COMMENT ON COLUMN reporting.customers.organisation IS 'The id of the one that they belong to.';
COMMENT ON VIEW reporting.calendars IS 'Whose hours business time is counted in.';
COMMENT ON COLUMN reporting.calendars.calendar IS 'Its id, the same in every view.';
COMMENT ON COLUMN reporting.calendars.name IS 'What it is called.';
COMMENT ON COLUMN reporting.calendars.zone IS 'Its time zone now, as IANA names it.';
COMMENT ON COLUMN reporting.calendars.hours_version IS 'How many versions of its hours were published.';
COMMENT ON COLUMN reporting.calendars.effective_from IS 'From when the newest hours hold.';
