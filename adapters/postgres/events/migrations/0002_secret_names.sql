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
  USING (channel = nullif(current_setting('strata.event_channel', true), '')
         OR (current_setting('strata.event_channel', true) = '*'
             AND created_at < now() - interval '10 minutes'));
CREATE POLICY any_channel ON strata_events FOR INSERT WITH CHECK (true);
CREATE POLICY old_rows ON strata_events FOR DELETE
  USING (created_at < now() - interval '10 minutes');
-- For SELECT … FOR UPDATE, which strata_tidy_events does.
CREATE POLICY old_rows_locked ON strata_events FOR UPDATE
  USING (created_at < now() - interval '10 minutes') WITH CHECK (false);

-- Deletes up to `most` rows of more than ten minutes and returns how many. Of two sessions that do this
-- at once each leaves the other's rows alone. The setting lasts as long as the transaction: as one of
-- the function, it would take a superuser to create it.
CREATE FUNCTION strata_tidy_events(most integer) RETURNS bigint LANGUAGE plpgsql AS $$
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
