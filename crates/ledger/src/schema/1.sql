-- Times are microseconds since 1970 (UTC). Fingerprints are their 16 bytes. No column but the two images of a step ever
-- holds secret material, and those are sealed.

CREATE TABLE ledger (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    instance TEXT NOT NULL,
    salt BLOB NOT NULL,               -- of the key that fingerprints are made with
    fingerprint_key BLOB NOT NULL,    -- its id
    activated_digest TEXT,
    activated_at INTEGER
) STRICT;

-- Where this ledger was seen and is at home. A bind mount or a rename gives it several.
CREATE TABLE places (
    path BLOB NOT NULL,
    device INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    born INTEGER,                     -- nanoseconds; NULL where the file system does not say
    UNIQUE (path, device, inode, born)
) STRICT;

CREATE TABLE generations (
    profile TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    place INTEGER NOT NULL,           -- order within the profile: residue first, then by this
    first_seen INTEGER NOT NULL,
    origin TEXT NOT NULL CHECK (origin IN ('seen', 'written', 'residue')),
    PRIMARY KEY (profile, fingerprint)
) STRICT, WITHOUT ROWID;

CREATE TABLE sightings (
    agent TEXT NOT NULL,
    profile TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    PRIMARY KEY (agent, profile, fingerprint)
) STRICT, WITHOUT ROWID;

CREATE TABLE kept (
    agent TEXT NOT NULL,
    profile TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    by_whom TEXT NOT NULL CHECK (by_whom IN ('person', 'acceptance')),
    since INTEGER NOT NULL,
    PRIMARY KEY (agent, profile)
) STRICT, WITHOUT ROWID;

CREATE TABLE may_replace (
    agent TEXT NOT NULL,
    profile TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (agent, profile)
) STRICT, WITHOUT ROWID;

CREATE TABLE verdicts (
    fingerprint BLOB NOT NULL,
    endpoint TEXT NOT NULL,
    at INTEGER NOT NULL,
    verdict TEXT NOT NULL,            -- JSON
    PRIMARY KEY (fingerprint, endpoint)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY,
    instance TEXT NOT NULL,           -- at that time; images are bound to it
    command TEXT NOT NULL,
    begun INTEGER NOT NULL,
    finished INTEGER,
    receipts TEXT                     -- JSON
) STRICT;

CREATE UNIQUE INDEX one_open_run ON runs ((finished IS NULL)) WHERE finished IS NULL;
CREATE INDEX runs_by_time ON runs (begun);

CREATE TABLE steps (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    store TEXT NOT NULL,              -- 'base' or 'agent:<id>'
    profile TEXT NOT NULL,
    action TEXT NOT NULL,
    before_print BLOB,
    after_print BLOB,
    before_had_image INTEGER NOT NULL,
    after_had_image INTEGER NOT NULL,
    before_image BLOB,                -- sealed; NULL when there was none or it is gone
    after_image BLOB,
    state TEXT,                       -- of the outcome; NULL until it is known
    outcome TEXT,                     -- JSON
    PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;
