-- The cluster whose workers process a gallery's photos, and why it was chosen; NULL while any worker may.
ALTER TABLE gallery ADD COLUMN cluster TEXT;
ALTER TABLE gallery ADD COLUMN placement TEXT;
