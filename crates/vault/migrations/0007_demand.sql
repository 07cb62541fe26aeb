-- What arrived, by region and hour (hours since 1970-01-01T00:00:00Z): counted by the transaction that stores a photo, and kept
-- when its gallery is removed. An hour is divided over a few rows, so that those who store at the same time do not wait for
-- each other.
CREATE TABLE arrival (
    hour       BIGINT NOT NULL,
    region     TEXT NOT NULL,
    slot       INTEGER NOT NULL,
    photos     BIGINT NOT NULL,
    -- Zero if not known.
    megapixels DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (hour, region, slot)
);

-- Weddings that were announced, by their days. Those of removed galleries stay, without their name.
CREATE TABLE booking (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    -- The gallery, or what an import calls it; NULL when the gallery was removed.
    source       TEXT UNIQUE,
    region       TEXT NOT NULL,
    -- As 2026-06-20.
    wedding      TEXT NOT NULL,
    announced_at BIGINT NOT NULL
);
CREATE INDEX booking_by_wedding ON booking (wedding);

-- Those from before: where they arrived was not written down. The cluster of the gallery stands for it.
INSERT INTO arrival (region, hour, slot, photos, megapixels)
    SELECT COALESCE(gallery.cluster, 'local'), photo.stored_at / 3600000000, 0, COUNT(*), SUM(photo.cost)
    FROM photo JOIN gallery ON gallery.id = photo.gallery WHERE photo.state <> 'staged' GROUP BY 1, 2;
INSERT INTO booking (source, region, wedding, announced_at)
    SELECT id, COALESCE(cluster, 'local'), settings ->> '$.wedding.date', opened_at
    FROM gallery WHERE settings ->> '$.wedding.date' IS NOT NULL;
