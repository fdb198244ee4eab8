-- One row a ticket: what a search filters by and shows of it. A null subject was erased.
-- first_message: the version of the customer's first message, which says with the subject what the ticket is about.
CREATE TABLE search_tickets (
    stream          uuid        PRIMARY KEY,
    version         bigint      NOT NULL,
    position        bigint      NOT NULL,
    number          bigint      NOT NULL,
    requester       uuid,
    subject         text,
    channel         text        NOT NULL,
    category        text,
    team            uuid,
    assignee        uuid,
    priority        text        NOT NULL,
    status          text        NOT NULL,
    tags            text[]      NOT NULL,
    resolution_code text,
    spam            boolean     NOT NULL,
    opened_at       timestamptz,
    public_messages int         NOT NULL,
    first_message   bigint
) WITH (fillfactor = 80);

-- One row a subject, public message or internal note: what it is found by. The text itself stands in the view tickets.
-- words: of the subject, too, with weight A, so that words of both find it; nothing of any other text. What was erased
-- has no row. Kept out of line: who finds many rows reads few of their words.
CREATE TABLE search_texts (
    stream        uuid        NOT NULL,
    version       bigint      NOT NULL,
    position      bigint      NOT NULL,
    kind          text        NOT NULL,
    public_number int,
    at            timestamptz NOT NULL,
    author_kind   text        NOT NULL,
    author_id     text        NOT NULL,
    language      text,
    words         tsvector    NOT NULL,
    PRIMARY KEY (stream, version)
) WITH (toast_tuple_target = 128);
