-- A user may have no name. Changes the catalogue only: no row is read or written.
ALTER TABLE users ALTER COLUMN name DROP NOT NULL, ALTER COLUMN name DROP DEFAULT;
