-- The log. Positions are given one by one under the write lock; nothing here is ever changed.
CREATE TABLE events (
    position       INTEGER PRIMARY KEY,
    stream         BLOB    NOT NULL CHECK (length(stream) = 32),
    revision       INTEGER NOT NULL CHECK (revision > 0),
    type           TEXT    NOT NULL,
    schema_version INTEGER NOT NULL,
    recorded_at    INTEGER NOT NULL,
    command_id     BLOB    CHECK (length(command_id) = 16),
    body           BLOB    NOT NULL,
    body_sha256    BLOB    NOT NULL CHECK (length(body_sha256) = 32),
    entries_root   BLOB    CHECK (length(entries_root) = 32),
    leaf_hash      BLOB    NOT NULL CHECK (length(leaf_hash) = 32)
) STRICT;

CREATE UNIQUE INDEX events_stream_revision ON events (stream, revision);
CREATE UNIQUE INDEX events_command_id ON events (command_id) WHERE command_id IS NOT NULL;

CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'the log is append-only: UPDATE on events is refused');
END;

CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events
BEGIN
    SELECT RAISE(ABORT, 'the log is append-only: DELETE on events is refused');
END;

-- Also keeps INSERT OR REPLACE, which fires no DELETE trigger by default, from replacing a record.
CREATE TRIGGER events_refuse_gap BEFORE INSERT ON events
WHEN NEW.position <> (SELECT coalesce(max(position), 0) + 1 FROM events)
BEGIN
    SELECT RAISE(ABORT, 'the log is append-only: events take the next position only');
END;

-- Keys of erasable parts: the only thing about a record that can be destroyed.
CREATE TABLE data_keys (
    position INTEGER PRIMARY KEY,
    wrapped  BLOB    NOT NULL
) STRICT;

CREATE TABLE head (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    position    INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL
) STRICT;

INSERT INTO head (id, position, recorded_at) VALUES (1, 0, 0);

-- The key hierarchy, wrapped.
CREATE TABLE keys (
    id         BLOB    PRIMARY KEY NOT NULL,
    level      TEXT    NOT NULL,
    owner      TEXT    NOT NULL,
    purpose    TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    wrapped_by BLOB,
    wrapped    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (level, owner, purpose, version)
) STRICT;
