-- The searchable index of audit entries: a fold of the log, in sealed pieces. Everything here can be
-- thrown away and made again from the log.

-- One whole index each. Queries use the current one while the next is made.
CREATE TABLE audit_generations (
    generation   bigint  PRIMARY KEY,
    position     bigint  NOT NULL,
    is_current   integer NOT NULL,
    started_at   bigint  NOT NULL,
    completed_at bigint,
    error        text
);

CREATE UNIQUE INDEX audit_generations_current ON audit_generations (is_current) WHERE is_current = 1;

-- Consecutive entries of one owner. The small columns say which are worth opening.
CREATE TABLE audit_segments (
    generation     bigint NOT NULL,
    owner          text   NOT NULL,
    number         bigint NOT NULL,
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL,
    first_at       bigint NOT NULL,
    last_at        bigint NOT NULL,
    entries        bigint NOT NULL,
    filter         bytea  NOT NULL,
    columns        bytea  NOT NULL,
    PRIMARY KEY (generation, owner, number)
);

-- Sealed bytes do not compress.
ALTER TABLE audit_segments ALTER COLUMN filter SET STORAGE EXTERNAL;
ALTER TABLE audit_segments ALTER COLUMN columns SET STORAGE EXTERNAL;
