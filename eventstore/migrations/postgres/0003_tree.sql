-- The Merkle tree over the log, as far as it is complete: 256 hashes of one height side by side, and the
-- root over them. Nothing here is ever changed.
CREATE TABLE tiles (
    level  integer NOT NULL CHECK (level BETWEEN 0 AND 7),
    number bigint  NOT NULL CHECK (number >= 0),
    root   bytea   NOT NULL CHECK (octet_length(root) = 32),
    hashes bytea   NOT NULL CHECK (octet_length(hashes) = 8192),
    PRIMARY KEY (level, number)
);

-- Hashes do not compress: do not try.
ALTER TABLE tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- What was signed of it, and when: microseconds since the Unix epoch. Never changed either.
CREATE TABLE checkpoints (
    tree_size bigint NOT NULL PRIMARY KEY CHECK (tree_size > 0),
    signed_at bigint NOT NULL,
    note      text   NOT NULL
);

CREATE FUNCTION tree_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the tree is append-only: % on % is refused', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END;
$$;

CREATE TRIGGER tiles_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON tiles
    FOR EACH STATEMENT EXECUTE FUNCTION tree_refuse();
CREATE TRIGGER checkpoints_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION tree_refuse();

-- Also for the owner of the tables, and while replication applies changes.
ALTER TABLE tiles ENABLE ALWAYS TRIGGER tiles_refuse;
ALTER TABLE checkpoints ENABLE ALWAYS TRIGGER checkpoints_refuse;
