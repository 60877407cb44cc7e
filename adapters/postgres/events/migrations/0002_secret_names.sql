-- LISTEN and NOTIFY need no right, so the names of channels are a secret of the database: see listenName.
CREATE TABLE strata_event_secret (
  is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  secret  bytea   NOT NULL CHECK (octet_length(secret) = 32)
);

INSERT INTO strata_event_secret (secret)
  VALUES (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

REVOKE ALL ON strata_event_secret FROM PUBLIC;

-- A session sees the bodies of the one channel that it names, and FORCE: so does the owner.
ALTER TABLE strata_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE strata_events FORCE ROW LEVEL SECURITY;
CREATE POLICY named_channel ON strata_events FOR SELECT
  USING (channel = nullif(current_setting('strata.event_channel', true), ''));
CREATE POLICY any_channel ON strata_events FOR INSERT WITH CHECK (true);
-- For strata_tidy_events, which runs as the owner: another user who sets '*' sees nothing by it.
CREATE POLICY old_rows ON strata_events
  USING (current_setting('strata.event_channel', true) = '*'
         AND created_at < now() - interval '10 minutes'
         AND (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class
              WHERE oid = 'strata_events'::regclass))
  WITH CHECK (false);

-- Deletes up to `most` rows of more than ten minutes and returns how many. Of two sessions that do this
-- at once each leaves the other's rows alone. It runs as its owner, so that a user who may not delete
-- tidies up too. The setting lasts as long as the transaction: as one of the function, it would take a
-- superuser to create it.
CREATE FUNCTION strata_tidy_events(most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  deleted bigint;
BEGIN
  PERFORM set_config('strata.event_channel', '*', true);
  DELETE FROM strata_events WHERE id IN (
    SELECT id FROM strata_events
    WHERE created_at < now() - interval '10 minutes'
    ORDER BY created_at LIMIT most FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS deleted = ROW_COUNT;
  PERFORM set_config('strata.event_channel', '', true);
  RETURN deleted;
END
$$;

-- A table of the caller's own, in pg_temp, must not be the one that the owner deletes from.
DO $$
BEGIN
  EXECUTE format('ALTER FUNCTION strata_tidy_events(integer) SET search_path = pg_catalog, %s, pg_temp',
                 (SELECT relnamespace::regnamespace FROM pg_class
                  WHERE oid = 'strata_events'::regclass));
END
$$;
