-- The stage that comes next, by its place in the order of a photo's life, and what those who passed the job on had found:
-- nothing biometric, which is in `embedding` alone.
ALTER TABLE job ADD COLUMN stage INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN found TEXT;

-- What is furthest along comes first: photos are finished before others are begun. Where nobody passes jobs on, all of them
-- are at their first stage, and this is the order that it was.
DROP INDEX job_in_order;
CREATE INDEX job_in_order ON job (gallery, state, stage DESC, priority DESC, id, cost);
