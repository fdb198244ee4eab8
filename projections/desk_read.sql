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
