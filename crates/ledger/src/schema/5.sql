-- What a scrub does to files that are no stores. The place is bound into the images, behind the steps'.
CREATE TABLE files (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    path TEXT NOT NULL,
    action TEXT NOT NULL,             -- 'remove', 'clean', 'rewrite' (a database, which keeps its rows) or 'restore'
    before_print BLOB,                -- of the whole text; NULL where there is no file, and for databases
    after_print BLOB,
    before_had_image INTEGER NOT NULL,
    before_image BLOB,                -- sealed; NULL when there was none or it is gone
    after_image BLOB,
    state TEXT,                       -- of the outcome; NULL until it is known
    outcome TEXT,                     -- JSON
    PRIMARY KEY (run, place)
) STRICT, WITHOUT ROWID;
