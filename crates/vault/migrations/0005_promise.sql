-- From when a gallery's promise counts: the arrival of its latest photo, or its opening while it has none. Galleries that were there
-- before keep the deadline that they have.
ALTER TABLE gallery ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
UPDATE gallery SET since = opened_at;
