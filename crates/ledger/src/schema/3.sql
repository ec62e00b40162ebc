-- Looks of the past, without secrets. Two looks are one row while their essence is the same: what mere use does not change.
CREATE TABLE looks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    essence TEXT NOT NULL,            -- JSON
    text TEXT NOT NULL                -- JSON
) STRICT;
