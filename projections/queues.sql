-- One row a ticket: what work lists filter, sort and show. Work lists read open rows only, so closed ones stay out of
-- their indexes. priority_rank 1 is urgent; waiting_key is infinite where nobody waits, so that a page can end there.
-- skill is the category as names of skills are compared.
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
    settled_at                timestamptz,
    skill                     text,
    priority_rank smallint GENERATED ALWAYS AS
        (CASE priority WHEN 'urgent' THEN 1 WHEN 'high' THEN 2 WHEN 'normal' THEN 3 ELSE 4 END) STORED,
    waiting_key timestamptz GENERATED ALWAYS AS (coalesce(waiting_since, 'infinity')) STORED,
    listed boolean GENERATED ALWAYS AS (status <> 'closed' AND opened_at IS NOT NULL) STORED
) WITH (fillfactor = 80);

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
