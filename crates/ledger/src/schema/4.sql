-- The config file, where a run changes it: one whole text in the place of another, after the stores.
ALTER TABLE runs ADD COLUMN config_before_print BLOB;
ALTER TABLE runs ADD COLUMN config_after_print BLOB;     -- NULL where the run leaves the config alone
ALTER TABLE runs ADD COLUMN config_before BLOB;          -- sealed; NULL when it is gone
ALTER TABLE runs ADD COLUMN config_after BLOB;
ALTER TABLE runs ADD COLUMN config_state TEXT;           -- of the outcome; NULL until it is known
ALTER TABLE runs ADD COLUMN config_outcome TEXT;         -- JSON
-- The id of the vault that says what is right here; NULL where none does.
ALTER TABLE ledger ADD COLUMN vault TEXT;
