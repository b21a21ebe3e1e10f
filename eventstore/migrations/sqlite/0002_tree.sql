-- The Merkle tree over the log, as far as it is complete: 256 hashes of one height side by side, and the
-- root over them. Nothing here is ever changed.
CREATE TABLE tiles (
    level  INTEGER NOT NULL CHECK (level BETWEEN 0 AND 7),
    number INTEGER NOT NULL CHECK (number >= 0),
    root   BLOB    NOT NULL CHECK (length(root) = 32),
    hashes BLOB    NOT NULL CHECK (length(hashes) = 8192),
    PRIMARY KEY (level, number)
) STRICT;

-- What was signed of it, and when: microseconds since the Unix epoch. Never changed either.
CREATE TABLE checkpoints (
    tree_size INTEGER PRIMARY KEY CHECK (tree_size > 0),
    signed_at INTEGER NOT NULL,
    note      TEXT    NOT NULL
) STRICT;

CREATE TRIGGER tiles_refuse_update BEFORE UPDATE ON tiles
BEGIN
    SELECT RAISE(ABORT, 'the tree is append-only: UPDATE on tiles is refused');
END;

CREATE TRIGGER tiles_refuse_delete BEFORE DELETE ON tiles
BEGIN
    SELECT RAISE(ABORT, 'the tree is append-only: DELETE on tiles is refused');
END;

-- One that is there stays as it is, also under INSERT OR REPLACE.
CREATE TRIGGER tiles_keep BEFORE INSERT ON tiles
WHEN EXISTS (SELECT 1 FROM tiles WHERE level = NEW.level AND number = NEW.number)
BEGIN
    SELECT RAISE(IGNORE);
END;

CREATE TRIGGER checkpoints_refuse_update BEFORE UPDATE ON checkpoints
BEGIN
    SELECT RAISE(ABORT, 'the tree is append-only: UPDATE on checkpoints is refused');
END;

CREATE TRIGGER checkpoints_refuse_delete BEFORE DELETE ON checkpoints
BEGIN
    SELECT RAISE(ABORT, 'the tree is append-only: DELETE on checkpoints is refused');
END;

CREATE TRIGGER checkpoints_keep BEFORE INSERT ON checkpoints
WHEN EXISTS (SELECT 1 FROM checkpoints WHERE tree_size = NEW.tree_size)
BEGIN
    SELECT RAISE(IGNORE);
END;
