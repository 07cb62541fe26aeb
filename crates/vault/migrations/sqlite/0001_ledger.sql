-- Times are microseconds since 1970, hashes and ids lower-case hex, structures JSON.
-- Changes to come: first a migration that adds (old programs go on), later one that removes what nothing uses any more.

CREATE TABLE gallery (
    id          TEXT PRIMARY KEY NOT NULL,
    title       TEXT NOT NULL,
    wedding     TEXT,
    consent     TEXT NOT NULL,
    pipeline    TEXT NOT NULL,
    opened_at   BIGINT NOT NULL,
    urgency     TEXT NOT NULL,
    weight      DOUBLE PRECISION NOT NULL,
    deadline    BIGINT NOT NULL,
    critical_at BIGINT NOT NULL,
    -- The work that was handed out, divided by the weight.
    vtime       DOUBLE PRECISION NOT NULL DEFAULT 0,
    -- The number of its jobs in state 'waiting'.
    ready       BIGINT NOT NULL DEFAULT 0 CHECK (ready >= 0)
);
CREATE INDEX gallery_by_deadline ON gallery (deadline, id) WHERE ready > 0;
CREATE INDEX gallery_by_vtime ON gallery (vtime, deadline, id) WHERE ready > 0;

-- One row: what a claim must know beside the galleries.
CREATE TABLE schedule (
    id     INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    -- The work that critical galleries may still take before it is the others' turn.
    credit DOUBLE PRECISION NOT NULL,
    -- The virtual time of the gallery that was served last.
    vtime  DOUBLE PRECISION NOT NULL
);
INSERT INTO schedule (id, credit, vtime) VALUES (1, 0, 0);

CREATE TABLE photo (
    id        TEXT PRIMARY KEY NOT NULL,
    gallery   TEXT NOT NULL REFERENCES gallery (id),
    state     TEXT NOT NULL CHECK (state IN ('staged', 'stored', 'done', 'quarantined')),
    -- The first of the names, to sort by.
    name      TEXT NOT NULL,
    names     TEXT NOT NULL,
    original  TEXT NOT NULL,
    bytes     BIGINT NOT NULL,
    format    TEXT NOT NULL,
    width     BIGINT NOT NULL,
    height    BIGINT NOT NULL,
    capture   TEXT NOT NULL,
    stored_at BIGINT NOT NULL,
    priority  INTEGER NOT NULL DEFAULT 0,
    cost      DOUBLE PRECISION NOT NULL DEFAULT 0,
    finished  TEXT,
    failure   TEXT,
    failed_at BIGINT
);
CREATE INDEX photo_by_gallery ON photo (gallery, state);
CREATE INDEX photo_staged ON photo (stored_at) WHERE state = 'staged';

-- There exactly for photos in state 'stored'. Ids are never used again, or an old lease would fit a new job.
CREATE TABLE job (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    gallery  TEXT NOT NULL REFERENCES gallery (id),
    photo    TEXT NOT NULL UNIQUE REFERENCES photo (id),
    state    TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'held', 'resting')),
    priority INTEGER NOT NULL,
    cost     DOUBLE PRECISION NOT NULL,
    -- Grows whenever somebody gets or gives back the job.
    epoch    BIGINT NOT NULL DEFAULT 0,
    worker   TEXT,
    -- From then on a job that is held (its lease expired) or rests (until its retry) waits.
    due_at   BIGINT,
    failures BIGINT NOT NULL DEFAULT 0,
    failure  TEXT,
    CHECK ((state = 'waiting') = (due_at IS NULL))
);
CREATE INDEX job_waiting ON job (gallery, priority DESC, id) WHERE state = 'waiting';
CREATE INDEX job_due ON job (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX job_by_gallery ON job (gallery, state);

-- Biometric: apart from all else, so that it is erased by itself.
CREATE TABLE embedding (
    photo  TEXT NOT NULL REFERENCES photo (id),
    face   BIGINT NOT NULL,
    -- 32-bit floats, little-endian.
    vector BLOB NOT NULL,
    PRIMARY KEY (photo, face)
);

CREATE TABLE refusal (
    gallery    TEXT NOT NULL REFERENCES gallery (id),
    name       TEXT NOT NULL,
    failure    TEXT NOT NULL,
    refused_at BIGINT NOT NULL,
    PRIMARY KEY (gallery, name)
);
