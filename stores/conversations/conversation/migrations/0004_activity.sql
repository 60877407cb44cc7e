-- The order of lists again, without COALESCE: PostgreSQL does not know that it tells nothing of a row,
-- so under row-level security a page looked through all pages before it. A binary from before this
-- migration sorts the conversations of the tenant for a page, until it is replaced.
CREATE INDEX conversations_latest_active ON conversations
  (tenant_id, (CASE WHEN last_message_at IS NULL THEN created_at ELSE last_message_at END) DESC,
   id DESC) WHERE archived_at IS NULL;
CREATE INDEX conversations_latest_archived ON conversations
  (tenant_id, (CASE WHEN last_message_at IS NULL THEN created_at ELSE last_message_at END) DESC,
   id DESC) WHERE archived_at IS NOT NULL;
CREATE INDEX conversations_latest ON conversations
  (tenant_id, (CASE WHEN last_message_at IS NULL THEN created_at ELSE last_message_at END) DESC,
   id DESC);
DROP INDEX conversations_active;
DROP INDEX conversations_archived;
DROP INDEX conversations_all;
