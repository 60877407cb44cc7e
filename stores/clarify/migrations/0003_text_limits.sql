-- The limits of the records' headers (TextLimits), for what writes past the library.
--
-- NOT VALID: rows that are there are not looked at, so the lock of the table is held for a moment
-- only, and a table with longer rows can be upgraded. Those can be read and removed as before; a
-- change of one is refused until the text is shortened. ALTER TABLE … VALIDATE CONSTRAINT looks at
-- the rows, without keeping writers away; it changes nothing for the library.

ALTER TABLE users
  ADD CONSTRAINT users_name_length
    CHECK (octet_length(name) <= 1000) NOT VALID;

ALTER TABLE dreams
  ADD CONSTRAINT dreams_category_length
    CHECK (octet_length(category) <= 1000) NOT VALID;

ALTER TABLE clarify_patterns
  ADD CONSTRAINT clarify_patterns_content_length
    CHECK (octet_length(content) <= 16384) NOT VALID;

ALTER TABLE clarify_sessions
  ADD CONSTRAINT clarify_sessions_title_length
    CHECK (octet_length(title) <= 1000) NOT VALID;
