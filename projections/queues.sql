-- One row a ticket: what work lists filter, sort and show. Work lists read open rows only, so closed ones stay out of
-- their indexes. priority_rank 1 is urgent; waiting_key is infinite where nobody waits, so that a page can end there.
-- skill is the category as names of skills are compared.
-- since: the position from which on it has been as it is; by occurrence that is updated_at.
-- late: not by occurrence, for a fact came late: queue_courses tells of that.
CREATE TABLE queues (
    stream                    uuid        PRIMARY KEY,
    version                   bigint      NOT NULL,
    shard                     smallint    NOT NULL,
    number                    bigint      NOT NULL,
    requester                 uuid,
    subject                   text,
    channel                   text        NOT NULL,
    category                  text,
    team                      uuid,
    assignee                  uuid,
    priority                  text        NOT NULL,
    status                    text        NOT NULL,
    level                     int         NOT NULL,
    tags                      text[]      NOT NULL,
    opened_at                 timestamptz,
    updated_at                timestamptz NOT NULL,
    waiting_since             timestamptz,
    last_requester_message_at timestamptz,
    last_public_reply_at      timestamptz,
    since                     bigint      NOT NULL,
    late                      boolean     NOT NULL,
    skill                     text,
    priority_rank smallint GENERATED ALWAYS AS
        (CASE priority WHEN 'urgent' THEN 1 WHEN 'high' THEN 2 WHEN 'normal' THEN 3 ELSE 4 END) STORED,
    waiting_key timestamptz GENERATED ALWAYS AS (coalesce(waiting_since, 'infinity')) STORED,
    listed boolean GENERATED ALWAYS AS (status <> 'closed' AND opened_at IS NOT NULL) STORED
) WITH (fillfactor = 80);

-- The same of tickets of which a fact came late, all in order of occurrence. since: known from that position on.
CREATE TABLE queue_courses (
    stream                    uuid        PRIMARY KEY,
    number                    bigint      NOT NULL,
    requester                 uuid,
    subject                   text,
    channel                   text        NOT NULL,
    category                  text,
    team                      uuid,
    assignee                  uuid,
    priority                  text        NOT NULL,
    status                    text        NOT NULL,
    level                     int         NOT NULL,
    tags                      text[]      NOT NULL,
    opened_at                 timestamptz,
    updated_at                timestamptz NOT NULL,
    waiting_since             timestamptz,
    last_requester_message_at timestamptz,
    last_public_reply_at      timestamptz,
    since                     bigint      NOT NULL
) WITH (fillfactor = 80);

-- Stretches that are over, in which the row of a ticket stayed the same: [since, until) by position, and by instant
-- [updated_at, until_at). Only ever added to, but where a fact comes late. The stretch that lasts is the row itself.
-- basis: by which order it was so, recorded or occurred; null: by both, which are one until a fact comes late.
-- size, size_at: of how many binary digits its length is. What held at N began in (N - 2^size, N]: so a B-tree finds
-- it, size by size, and reads at most about twice what it finds.
CREATE TABLE queue_spans (
    stream                    uuid        NOT NULL,
    basis                     text,
    since                     bigint,
    until                     bigint,
    size                      smallint,
    updated_at                timestamptz NOT NULL,
    until_at                  timestamptz,
    size_at                   smallint,
    category                  text,
    team                      uuid,
    assignee                  uuid,
    priority                  text        NOT NULL,
    status                    text        NOT NULL,
    level                     int         NOT NULL,
    tags                      text[]      NOT NULL,
    waiting_since             timestamptz,
    last_requester_message_at timestamptz,
    last_public_reply_at      timestamptz
);

-- How many listed tickets there are of each kind. A shard belongs to one partition and so to one worker at a time:
-- workers never wait for each other here.
CREATE TABLE queue_counts (
    shard      smallint NOT NULL,
    team       uuid,
    status     text     NOT NULL,
    priority   text     NOT NULL,
    unassigned boolean  NOT NULL,
    tickets    bigint   NOT NULL,
    UNIQUE NULLS NOT DISTINCT (shard, team, status, priority, unassigned)
) WITH (fillfactor = 50);
