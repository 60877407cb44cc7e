-- The limits of the records' headers (TextLimits), for what writes past the library.
--
-- NOT VALID: rows that are there are not looked at, so the lock of the table is held for a moment
-- only, and a table with longer rows can be upgraded. Those can be read and removed as before; a
-- change of one is refused until the text is shortened. ALTER TABLE … VALIDATE CONSTRAINT looks at
-- the rows, without keeping writers away; it changes nothing for the library.

ALTER TABLE conversation_configs
  ADD CONSTRAINT conversation_configs_updated_by_length
    CHECK (octet_length(updated_by) <= 1000) NOT VALID;
