-- How far each ticket's figures go.
CREATE TABLE figure_tickets (
    stream   uuid   PRIMARY KEY,
    version  bigint NOT NULL,
    position bigint NOT NULL
) WITH (fillfactor = 80);

-- One row a measurement, of one of these kinds:
--   opened, note, automatic_reply
--   message           the requester's or another customer's
--   reply             a person's public one. detail: first (since the opening), next (since the oldest message that
--                     nobody had answered), further (nobody waited)
--   team_station      another team has it than the last one. amount: 1, 2, ...; more than 1 is a handoff
--   assignee_station  the same of people, agent being the new one; the first is timed since the opening
--   escalated, de_escalated  amount: the level it left. detail: manual, sla_warning, sla_breach, rule, import
--   resolved          since the opening. amount: 1, 2, ...: which time. detail: the resolution code
--   fully_resolved    the last resolution so far, reopened or not. amount: people's public replies by then.
--                     spent: microseconds by then as new or open, pending, on hold; each null where it is not known
--   reopened          detail: message, agent, import
--   closed            detail: agent, auto, import, merged, spam
--   time_logged       amount: seconds. agent: whose work. detail: billable, not_billable. cost: to 12 decimals
--   rating_requested  detail: resolved, survey. agent, team: whose work is rated
--   rated             the rating that holds, since the request. amount: 1 to 5. detail: good, neutral, bad
--   rating_changed    amount: the new one. detail: good_to_bad, bad_to_good, other
--   sla               a promise's outcome, unless withdrawn, at the exact instant. amount: 1 met, 0 broken.
--                     detail: the metric. agent: who had the ticket then
-- A row counts at position N if since <= N and (until IS NULL or until > N): nothing else about it ever changes, so
-- what is asked as of a position is answered the same for ever. Instants are of occurrence, durations in microseconds.
-- version: of the event that made it, or ended what is timed since started_at, when the one of from_version happened.
-- business_micros: within the hours that the policies in force named, null if for any part of it there were none.
-- actor: the kind of who did it. agent: who did it, or whose it is.
-- requester ... tags: the ticket's right after the event. policy ... calendar_version: in force when it happened.
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
    spent            bigint[],
    business_spent   bigint[],
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
