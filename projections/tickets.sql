-- One row a ticket: its state as aggregates.ticket.state folds it. A null subject or body was erased.
CREATE TABLE tickets (
    stream            uuid        PRIMARY KEY,
    version           bigint      NOT NULL,
    position          bigint      NOT NULL,
    number            bigint      NOT NULL,
    requester         uuid,
    subject           text,
    channel           text        NOT NULL,
    category          text,
    team              uuid,
    assignee          uuid,
    priority          text        NOT NULL,
    ticket_type       text        NOT NULL,
    status            text        NOT NULL,
    level             int         NOT NULL,
    spam              boolean     NOT NULL,
    tags              text[]      NOT NULL,
    watchers          uuid[]      NOT NULL,
    fields            jsonb       NOT NULL,
    links             jsonb       NOT NULL,
    follow_up_of      uuid,
    follow_up         uuid,
    public_replies    int         NOT NULL,
    resolution_code   text,
    time_spent        bigint      NOT NULL,
    source            text,
    source_case       text,
    opened_at         timestamptz,
    updated_at        timestamptz NOT NULL,
    public_messages   int         NOT NULL,
    thread_version    int         NOT NULL,
    thread_updated_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX tickets_number ON tickets (number);
CREATE INDEX tickets_requester ON tickets (requester, number);

-- The whole thread. public_number counts public messages only: a gap in versions would tell of a hidden note.
CREATE TABLE messages (
    ticket        uuid        NOT NULL,
    version       bigint      NOT NULL,
    audience      text        NOT NULL,
    kind          text        NOT NULL,
    author_kind   text        NOT NULL,
    author_id     text        NOT NULL,
    body          text,
    at            timestamptz NOT NULL,
    channel       text,
    automatic     boolean     NOT NULL,
    public_number int,
    PRIMARY KEY (ticket, version)
);
CREATE INDEX messages_public ON messages (ticket, public_number) WHERE audience = 'public';
