-- Every row is visible to, and written by, the tenant alone that the transaction has set; to nobody
-- where it has set none. FORCE: to the owner of the tables too. Superusers are not bound.
DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['conversations', 'conversation_paths', 'messages',
                              'conversation_contexts', 'execution_contexts'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY tenant_isolation ON %I USING'
                   ' (tenant_id = nullif(current_setting(''strata.tenant_id'', true), '''')::uuid)',
                   name);
  END LOOP;
END
$$;
