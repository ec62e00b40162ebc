-- Times are milliseconds since 1970 (UTC), truth values 0 and 1. Secret material stands in columns named `sealed` only, sealed by
-- the data key beside it in `wrapped`, which is sealed by the key `key_id`. What stands in other columns is no secret; the tags
-- show whether somebody without the key has changed it.

CREATE TABLE vault (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    id TEXT NOT NULL,
    created INTEGER NOT NULL,
    tag BLOB NOT NULL,                -- over id, created and the keys
    events INTEGER NOT NULL,          -- how many there are
    last_event BLOB NOT NULL,         -- the tag of the last one
    instances INTEGER NOT NULL,       -- how many there are
    tally_tag BLOB NOT NULL           -- over the three before it
) STRICT;

CREATE TABLE keys (
    id BLOB NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,             -- JSON: where the key comes from
    state TEXT NOT NULL CHECK (state IN ('active', 'retiring', 'retired')),
    added INTEGER NOT NULL,
    since INTEGER NOT NULL,
    wrapped BLOB                      -- the key of the tags, wrapped by this key; NULL once it is retired
) STRICT;

CREATE UNIQUE INDEX one_active_key ON keys (state) WHERE state = 'active';

CREATE TABLE rekeys (
    id TEXT NOT NULL PRIMARY KEY,
    old_key BLOB NOT NULL REFERENCES keys (id),
    new_key BLOB NOT NULL REFERENCES keys (id),
    begun INTEGER NOT NULL,
    finished INTEGER
) STRICT;

CREATE UNIQUE INDEX one_open_rekey ON rekeys ((finished IS NULL)) WHERE finished IS NULL;

CREATE TABLE organisations (
    id TEXT NOT NULL PRIMARY KEY,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE instances (
    id TEXT NOT NULL PRIMARY KEY,
    organisation TEXT NOT NULL REFERENCES organisations (id),
    name TEXT NOT NULL,
    state_dir TEXT,
    config TEXT,
    delivery TEXT NOT NULL CHECK (delivery IN ('inline', 'refs')),
    models TEXT NOT NULL,             -- JSON
    profile_order TEXT NOT NULL,      -- JSON
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    tag BLOB NOT NULL,                -- over this row and everything of the instance but what is sealed
    UNIQUE (organisation, name)
) STRICT;

CREATE TABLE agents (
    uid TEXT NOT NULL PRIMARY KEY,
    instance TEXT NOT NULL REFERENCES instances (id),
    place INTEGER NOT NULL,           -- in the roster
    id TEXT NOT NULL,
    name TEXT,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    models TEXT NOT NULL,             -- JSON
    workspace TEXT,
    UNIQUE (instance, id)
) STRICT;

CREATE UNIQUE INDEX one_default_agent ON agents (instance) WHERE is_default = 1;

CREATE TABLE bindings (
    instance TEXT NOT NULL REFERENCES instances (id),
    place INTEGER NOT NULL,
    agent TEXT NOT NULL REFERENCES agents (uid),
    matching TEXT NOT NULL,           -- JSON
    comment TEXT,
    PRIMARY KEY (instance, place)
) STRICT;

CREATE INDEX bindings_by_agent ON bindings (agent);

CREATE TABLE credentials (
    uid TEXT NOT NULL PRIMARY KEY,
    instance TEXT NOT NULL REFERENCES instances (id),
    place INTEGER NOT NULL,
    profile TEXT NOT NULL,
    provider TEXT NOT NULL,
    kind TEXT NOT NULL,
    agent TEXT,                       -- whose override it is; may be gone when the credential is dropped
    dropped INTEGER NOT NULL CHECK (dropped IN (0, 1))
) STRICT;

CREATE INDEX credentials_by_instance ON credentials (instance);
CREATE UNIQUE INDEX one_shared_credential ON credentials (instance, profile) WHERE agent IS NULL AND dropped = 0;
CREATE UNIQUE INDEX one_override ON credentials (instance, agent, profile) WHERE agent IS NOT NULL AND dropped = 0;

CREATE TABLE versions (
    credential TEXT NOT NULL REFERENCES credentials (uid),
    number INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'current', 'previous', 'retired')),
    created INTEGER NOT NULL,
    since INTEGER NOT NULL,
    by_whom TEXT NOT NULL,
    why TEXT,
    expires INTEGER,
    key_id BLOB NOT NULL REFERENCES keys (id),
    wrapped BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (credential, number)
) STRICT;

CREATE UNIQUE INDEX one_current_version ON versions (credential) WHERE state = 'current';
CREATE UNIQUE INDEX one_pending_version ON versions (credential) WHERE state = 'pending';
CREATE UNIQUE INDEX one_previous_version ON versions (credential) WHERE state = 'previous';
CREATE INDEX versions_by_key ON versions (key_id);

CREATE TABLE documents (
    instance TEXT NOT NULL REFERENCES instances (id),
    name TEXT NOT NULL,
    number INTEGER NOT NULL,          -- goes up whenever it is put
    created INTEGER NOT NULL,
    key_id BLOB NOT NULL REFERENCES keys (id),
    wrapped BLOB NOT NULL,
    sealed BLOB NOT NULL,
    PRIMARY KEY (instance, name)
) STRICT;

CREATE INDEX documents_by_key ON documents (key_id);

-- Who did what. Only ever added to; instances may be gone that it speaks of.
CREATE TABLE events (
    number INTEGER NOT NULL PRIMARY KEY,
    instance TEXT,
    at INTEGER NOT NULL,
    by_whom TEXT NOT NULL,
    why TEXT,
    what TEXT NOT NULL,
    tag BLOB NOT NULL                 -- over this row and the tag of the one before it
) STRICT;

CREATE INDEX events_by_instance ON events (instance, number);

CREATE TABLE rotations (
    id TEXT NOT NULL PRIMARY KEY,
    instance TEXT NOT NULL REFERENCES instances (id),
    credential TEXT NOT NULL,
    stage TEXT NOT NULL,
    state TEXT NOT NULL,              -- JSON, without secrets
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    finished INTEGER,
    revision INTEGER NOT NULL,
    tag BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX one_open_rotation ON rotations (credential) WHERE finished IS NULL;
CREATE INDEX rotations_by_instance ON rotations (instance);
