-- Moments are microseconds since 1970-01-01T00:00:00Z, ids and hashes lower-case hex, documents JSON.

CREATE TABLE gallery (
    id          TEXT PRIMARY KEY,
    opened_at   BIGINT NOT NULL,
    settings    TEXT NOT NULL,
    urgency     TEXT NOT NULL,
    weight      DOUBLE PRECISION NOT NULL CHECK (weight > 0 AND weight < 1e12),
    deadline    BIGINT NOT NULL,
    critical_at BIGINT NOT NULL,
    -- Work given so far, divided by the weight.
    vtime       DOUBLE PRECISION NOT NULL,
    -- Jobs in state 'waiting', counted so that a claim never looks for them.
    waiting     BIGINT NOT NULL CHECK (waiting >= 0)
);
CREATE INDEX gallery_by_deadline ON gallery (deadline, id) WHERE waiting > 0;
CREATE INDEX gallery_by_vtime ON gallery (vtime, deadline, id) WHERE waiting > 0;

-- One row: what all claims share.
CREATE TABLE schedule (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    -- Work that critical galleries may still take before it is the others' turn.
    critical_credit DOUBLE PRECISION NOT NULL,
    -- Where a gallery starts if none waits: the virtual time of the gallery that was served last.
    vtime           DOUBLE PRECISION NOT NULL
);
INSERT INTO schedule (id, critical_credit, vtime) VALUES (1, 0, 0);

CREATE TABLE photo (
    id        TEXT PRIMARY KEY,
    gallery   TEXT NOT NULL REFERENCES gallery (id),
    original  TEXT NOT NULL,
    -- The first of its names.
    name      TEXT NOT NULL,
    stored_at BIGINT NOT NULL,
    state     TEXT NOT NULL CHECK (state IN ('staged', 'stored', 'done', 'quarantined')),
    priority  INTEGER NOT NULL,
    -- Megapixels.
    cost      DOUBLE PRECISION NOT NULL CHECK (cost >= 0 AND cost < 1e12),
    facts     TEXT NOT NULL,
    finished  TEXT,
    failure   TEXT
);
CREATE INDEX photo_by_gallery ON photo (gallery, state, name, id);
CREATE INDEX photo_by_original ON photo (original);
CREATE INDEX photo_staged ON photo (stored_at) WHERE state = 'staged';

-- A row exists exactly while its photo is 'stored'. The id is the order of arrival and never used twice.
CREATE TABLE job (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    photo    TEXT NOT NULL UNIQUE REFERENCES photo (id),
    gallery  TEXT NOT NULL REFERENCES gallery (id),
    priority INTEGER NOT NULL,
    cost     DOUBLE PRECISION NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('waiting', 'held', 'delayed')),
    -- How often it was claimed.
    epoch    BIGINT NOT NULL,
    -- Who has the right to complete it under this epoch; kept when the lease expires, until another claims it.
    worker   TEXT,
    -- When a held job's lease expires, or a delayed job may be tried again.
    wakes_at BIGINT CHECK ((wakes_at IS NULL) = (state = 'waiting')),
    failures INTEGER NOT NULL,
    -- Why it failed last.
    failure  TEXT
);
CREATE INDEX job_in_order ON job (gallery, state, priority DESC, id);
CREATE INDEX job_by_wake ON job (wakes_at) WHERE state <> 'waiting';

-- Biometric data: only with consent, erased without a trace.
CREATE TABLE embedding (
    photo   TEXT NOT NULL REFERENCES photo (id),
    face    INTEGER NOT NULL,
    gallery TEXT NOT NULL REFERENCES gallery (id),
    -- 32-bit floats, little-endian.
    vector  BLOB NOT NULL,
    PRIMARY KEY (photo, face)
);
CREATE INDEX embedding_by_gallery ON embedding (gallery, photo, face);

CREATE TABLE refusal (
    gallery    TEXT NOT NULL REFERENCES gallery (id),
    name       TEXT NOT NULL,
    failure    TEXT NOT NULL,
    refused_at BIGINT NOT NULL,
    PRIMARY KEY (gallery, name)
);
