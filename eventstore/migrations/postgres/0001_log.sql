-- The log. Positions are given one by one under the lock on head; nothing here is ever changed.
CREATE TABLE events (
    position       bigint  NOT NULL CONSTRAINT events_position PRIMARY KEY,
    stream         bytea   NOT NULL CHECK (octet_length(stream) = 32),
    revision       bigint  NOT NULL CHECK (revision > 0),
    type           text    NOT NULL,
    schema_version integer NOT NULL,
    recorded_at    bigint  NOT NULL,
    command_id     bytea   CHECK (octet_length(command_id) = 16),
    body           bytea   NOT NULL,
    body_sha256    bytea   NOT NULL CHECK (octet_length(body_sha256) = 32),
    entries_root   bytea   CHECK (octet_length(entries_root) = 32),
    leaf_hash      bytea   NOT NULL CHECK (octet_length(leaf_hash) = 32)
);

-- Sealed bodies do not compress: do not try.
ALTER TABLE events ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE UNIQUE INDEX events_stream_revision ON events (stream, revision);
CREATE UNIQUE INDEX events_command_id ON events (command_id) WHERE command_id IS NOT NULL;

CREATE FUNCTION events_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % on events is refused', TG_OP
        USING ERRCODE = 'restrict_violation';
END;
$$;

CREATE TRIGGER events_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION events_refuse();

-- Also for the owner of the table, and while replication applies changes.
ALTER TABLE events ENABLE ALWAYS TRIGGER events_refuse;

-- Keys of erasable parts: the only thing about a record that can be destroyed.
CREATE TABLE data_keys (
    position bigint PRIMARY KEY,
    wrapped  bytea  NOT NULL
);

-- Destroyed keys lie in dead rows until vacuum: have it come soon, however large the table is.
ALTER TABLE data_keys SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20);

-- The locked row is rewritten by every commit: leave room so that it stays on its page.
CREATE TABLE head (
    id          integer PRIMARY KEY CHECK (id = 1),
    position    bigint  NOT NULL,
    recorded_at bigint  NOT NULL
) WITH (fillfactor = 10);

INSERT INTO head (id, position, recorded_at) VALUES (1, 0, 0);

-- The key hierarchy, wrapped.
CREATE TABLE keys (
    id         bytea   PRIMARY KEY,
    level      text    NOT NULL,
    owner      text    NOT NULL,
    purpose    text    NOT NULL,
    version    integer NOT NULL,
    wrapped_by bytea,
    wrapped    bytea   NOT NULL,
    created_at bigint  NOT NULL,
    UNIQUE (level, owner, purpose, version)
);
