-- Long work that somebody asked the API for. All of it is derived: it can be lost without harm, and be asked for again.

-- state: queued, running, done, failed or cancelled. A worker that is at it says so at `beat_at`, under its own name;
-- whoever does not for a while is taken for dead, and another one begins anew.
CREATE TABLE consumers.jobs (
    id          uuid        PRIMARY KEY,
    kind        text        NOT NULL,
    asked_by    text        NOT NULL,
    request     json        NOT NULL,
    state       text        NOT NULL DEFAULT 'queued',
    worker      uuid,
    attempts    int         NOT NULL DEFAULT 0,
    tickets     bigint      NOT NULL DEFAULT 0,
    fraction    float8      NOT NULL DEFAULT 0,
    asked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at  timestamptz,
    beat_at     timestamptz,
    finished_at timestamptz,
    result      json,
    problem     json
);
CREATE INDEX jobs_asked ON consumers.jobs (kind, asked_at);
CREATE INDEX jobs_unfinished ON consumers.jobs (kind, asked_at) WHERE state IN ('queued', 'running');

-- What is too much for one answer, in its order.
CREATE TABLE consumers.job_items (
    job   uuid NOT NULL REFERENCES consumers.jobs ON DELETE CASCADE,
    place int  NOT NULL,
    item  json NOT NULL,
    PRIMARY KEY (job, place)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON consumers.jobs TO chronodesk_app;
GRANT SELECT, INSERT ON consumers.job_items TO chronodesk_app;
