-- Outputs that a finished photo is owed: from when on anybody may make them, NULL if nothing is owed, and how often somebody
-- set about it. What is owed is in `finished`.
ALTER TABLE photo ADD COLUMN owed_at BIGINT;
ALTER TABLE photo ADD COLUMN owed_tries BIGINT NOT NULL DEFAULT 0;
CREATE INDEX photo_owing ON photo (owed_at, id) WHERE owed_at IS NOT NULL;
CREATE INDEX photo_owing_by_gallery ON photo (gallery, owed_at, id) WHERE owed_at IS NOT NULL;
