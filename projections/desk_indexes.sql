CREATE INDEX teams_name ON teams (name, stream);
CREATE INDEX team_members_agent ON team_members (agent);
CREATE INDEX agents_name ON agents (name, stream);
CREATE INDEX customers_name ON customers (name_key, stream);
CREATE INDEX customers_organisation ON customers (organisation);
CREATE INDEX organisations_name ON organisations (name, stream);
CREATE INDEX calendars_name ON calendars (name, stream);
