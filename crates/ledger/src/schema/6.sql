-- What the base store held of a profile when it was last as its vault wants it.
CREATE TABLE delivered (
    profile TEXT PRIMARY KEY,
    fingerprint BLOB                  -- NULL: nothing
) STRICT, WITHOUT ROWID;
