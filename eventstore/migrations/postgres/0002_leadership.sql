-- The process whose schedulers run, and until when, by this server's clock. No row: nobody's.
CREATE TABLE leadership (
    id     integer     PRIMARY KEY CHECK (id = 1),
    holder text        NOT NULL,
    until  timestamptz NOT NULL
);
