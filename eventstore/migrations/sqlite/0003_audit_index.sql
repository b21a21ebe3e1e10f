-- The searchable index of audit entries: a fold of the log, in sealed pieces. Everything here can be
-- thrown away and made again from the log.

-- One whole index each. Queries use the current one while the next is made.
CREATE TABLE audit_generations (
    generation   INTEGER PRIMARY KEY,
    position     INTEGER NOT NULL,
    is_current   INTEGER NOT NULL,
    started_at   INTEGER NOT NULL,
    completed_at INTEGER,
    error        TEXT
) STRICT;

CREATE UNIQUE INDEX audit_generations_current ON audit_generations (is_current) WHERE is_current = 1;

-- Consecutive entries of one owner. The small columns say which are worth opening.
CREATE TABLE audit_segments (
    generation     INTEGER NOT NULL,
    owner          TEXT    NOT NULL,
    number         INTEGER NOT NULL,
    first_position INTEGER NOT NULL,
    last_position  INTEGER NOT NULL,
    first_at       INTEGER NOT NULL,
    last_at        INTEGER NOT NULL,
    entries        INTEGER NOT NULL,
    filter         BLOB    NOT NULL,
    columns        BLOB    NOT NULL,
    PRIMARY KEY (generation, owner, number)
) STRICT;
