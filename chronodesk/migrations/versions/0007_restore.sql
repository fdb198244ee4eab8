-- Where a desk's log came from, if it was restored from a lossless export.

-- Its first `position` events were recorded elsewhere: their instants are that server's, their hashes were worked out
-- anew from the file. The owner writes this with the events, in one transaction; nobody else can.
CREATE TABLE store.restored (
    one         boolean     PRIMARY KEY DEFAULT true CHECK (one),
    position    bigint      NOT NULL,
    hash        bytea       NOT NULL,
    release     text        NOT NULL,
    exported_at timestamptz NOT NULL,
    restored_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT ON store.restored TO chronodesk_app;
