-- What the base store must hold of a profile for a step to be right; NULL where that does not matter.
ALTER TABLE steps ADD COLUMN rests_on BLOB;
