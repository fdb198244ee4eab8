-- How far each ticket's figures go.
CREATE TABLE figure_tickets (
    stream   uuid   PRIMARY KEY,
    version  bigint NOT NULL,
    position bigint NOT NULL
) WITH (fillfactor = 80);

-- One row a measurement. A row counts at position N if since <= N and (until IS NULL or until > N): nothing else about
-- it ever changes, so what is asked as of a position is answered the same for ever.
-- at: when it happened. version: of the event that made it, or ended what is timed. started_at, from_version: since when
-- it is timed, and with which event that began. micros: calendar time; business_micros: within the hours that the
-- policies then in force named, null if for any part of it there were none.
-- requester ... tags: the ticket's right after the event. policy ... calendar_version: in force then.
CREATE TABLE figures (
    stream           uuid        NOT NULL,
    place            int         NOT NULL,
    number           bigint      NOT NULL,
    kind             text        NOT NULL,
    at               timestamptz NOT NULL,
    version          bigint      NOT NULL,
    started_at       timestamptz,
    from_version     bigint,
    micros           bigint,
    business_micros  bigint,
    amount           bigint,
    detail           text,
    actor            text        NOT NULL,
    agent            uuid,
    cost             numeric,
    currency         text,
    requester        uuid        NOT NULL,
    channel          text        NOT NULL,
    category         text,
    team             uuid,
    assignee         uuid,
    priority         text        NOT NULL,
    ticket_type      text        NOT NULL,
    level            int         NOT NULL,
    tags             text[]      NOT NULL,
    policy           uuid,
    policy_version   int,
    calendar         uuid,
    calendar_version int,
    since            bigint      NOT NULL,
    until            bigint,
    PRIMARY KEY (stream, place)
) WITH (fillfactor = 95);

-- One row a stretch in which all of these stayed the same, from opening on and while the ticket is not closed.
-- At position N it ends at CASE WHEN ended <= N THEN to_at END: what is known of its end - to_at to calendar_version -
-- is known from position `ended` on. policy ... calendar_version: in force when it ended.
-- size_at: of how many binary digits its length is, as in queue_spans; null while it goes on.
CREATE TABLE figure_spans (
    stream           uuid        NOT NULL,
    place            int         NOT NULL,
    number           bigint      NOT NULL,
    status           text        NOT NULL,
    unanswered       boolean     NOT NULL,
    requester        uuid        NOT NULL,
    channel          text        NOT NULL,
    category         text,
    team             uuid,
    assignee         uuid,
    priority         text        NOT NULL,
    ticket_type      text        NOT NULL,
    level            int         NOT NULL,
    tags             text[]      NOT NULL,
    opened_at        timestamptz NOT NULL,
    from_at          timestamptz NOT NULL,
    from_version     bigint      NOT NULL,
    to_at            timestamptz,
    to_version       bigint,
    micros           bigint,
    business_micros  bigint,
    size_at          smallint,
    policy           uuid,
    policy_version   int,
    calendar         uuid,
    calendar_version int,
    since            bigint      NOT NULL,
    ended            bigint,
    until            bigint,
    PRIMARY KEY (stream, place)
);
