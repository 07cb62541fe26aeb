-- What the service keeps beside the galleries: small documents of many kinds, in one shape.

CREATE TABLE document (
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    -- Whose it is; empty for nobody's.
    owner      TEXT NOT NULL,
    -- 1 for a new document, one more with every replacement.
    version    BIGINT NOT NULL,
    -- From then on it is due.
    expires_at BIGINT,
    body       TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);
CREATE INDEX document_by_owner ON document (owner, kind, id);
CREATE INDEX document_due ON document (kind, expires_at, id) WHERE expires_at IS NOT NULL;

-- A gallery's photos by page.
CREATE INDEX photo_in_gallery ON photo (gallery, id);

-- The order of jobs, and with it what is summed up of them, so that a backlog is counted in this index alone.
DROP INDEX job_in_order;
CREATE INDEX job_in_order ON job (gallery, state, priority DESC, id, cost);

-- Whose galleries these are. Those from before there were studios are the local studio's (`StudioId::local`).
ALTER TABLE gallery ADD COLUMN studio TEXT NOT NULL DEFAULT '64bec7c21b145f3c1c7246e2';
CREATE INDEX gallery_by_studio ON gallery (studio, opened_at DESC, id);
