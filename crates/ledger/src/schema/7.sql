-- What each store held of a profile when it was last as its vault wants it. The base store has no agent.
CREATE TABLE delivered_to (
    agent TEXT NOT NULL,              -- '': the base store
    profile TEXT NOT NULL,
    fingerprint BLOB,                 -- NULL: nothing
    PRIMARY KEY (agent, profile)
) STRICT, WITHOUT ROWID;
INSERT INTO delivered_to (agent, profile, fingerprint) SELECT '', profile, fingerprint FROM delivered;
DROP TABLE delivered;
