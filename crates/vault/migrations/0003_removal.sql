-- Originals that are being deleted, each for one removal. Nobody can stage a photo of them meanwhile.
CREATE TABLE condemned (
    original TEXT PRIMARY KEY,
    removal  TEXT NOT NULL,
    -- Tells one attempt at the removal from the next.
    due_at   BIGINT NOT NULL
);
CREATE INDEX condemned_by_removal ON condemned (removal);
