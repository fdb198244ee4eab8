-- Signed heads of the log, and the tree over it. Both are derived: heads are published outside the database, and the
-- tree is built anew from the log where it is lost or was changed.

CREATE SCHEMA witness;
REVOKE ALL ON SCHEMA witness FROM PUBLIC;

-- What was published, to be found quickly; `line` is the very line of the file.
CREATE TABLE witness.heads (
    tree_size bigint NOT NULL PRIMARY KEY,
    line      text   NOT NULL
);

-- Of the Merkle tree over the events' hashes every eighth level: the root of 256**level leaves, from place * 256**level.
CREATE TABLE witness.nodes (
    level int    NOT NULL,
    place bigint NOT NULL,
    hash  bytea  NOT NULL,
    PRIMARY KEY (level, place)
);

GRANT USAGE ON SCHEMA witness TO chronodesk_app;
GRANT SELECT, INSERT ON witness.heads TO chronodesk_app;
GRANT SELECT, INSERT, UPDATE ON witness.nodes TO chronodesk_app;
