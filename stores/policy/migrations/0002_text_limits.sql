-- The limits of the records' headers (TextLimits), for what writes past the library.
--
-- NOT VALID: rows that are there are not looked at, so the lock of the table is held for a moment
-- only, and a table with longer rows can be upgraded. Those can be read and removed as before; a
-- change of one is refused until the text is shortened. ALTER TABLE … VALIDATE CONSTRAINT looks at
-- the rows, without keeping writers away; it changes nothing for the library.

ALTER TABLE tenant_llm_policies
  ADD CONSTRAINT tenant_llm_policies_default_model_length
    CHECK (octet_length(default_model) <= 1000) NOT VALID,
  ADD CONSTRAINT tenant_llm_policies_default_provider_length
    CHECK (octet_length(default_provider) <= 1000) NOT VALID,
  ADD CONSTRAINT tenant_llm_policies_tasks_length
    CHECK (octet_length(tasks::text) <= 262144) NOT VALID,
  ADD CONSTRAINT tenant_llm_policies_user_policies_length
    CHECK (octet_length(user_policies::text) <= 1048576) NOT VALID,
  ADD CONSTRAINT tenant_llm_policies_updated_by_length
    CHECK (octet_length(updated_by) <= 1000) NOT VALID;
