-- So that an execution context names a path together with the conversation that it belongs to.
ALTER TABLE conversation_paths ADD UNIQUE (tenant_id, conversation_id, id);

CREATE TABLE execution_contexts (
  id              uuid        NOT NULL,
  tenant_id       uuid        NOT NULL,
  conversation_id uuid        NOT NULL,
  path_id         uuid        NOT NULL,
  sandbox_id      text        NOT NULL DEFAULT '',
  sandbox_status  text        NOT NULL DEFAULT 'creating' CHECK (
                    sandbox_status IN ('creating', 'ready', 'error', 'terminated')),
  created_at      timestamptz NOT NULL DEFAULT now(),
  last_used_at    timestamptz NOT NULL DEFAULT now(),
  expires_at      timestamptz NOT NULL,
  terminated_at   timestamptz,
  error_message   text,
  resource_usage  jsonb,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, conversation_id, path_id)
    REFERENCES conversation_paths (tenant_id, conversation_id, id) ON DELETE CASCADE,
  CHECK ((sandbox_status = 'terminated') = (terminated_at IS NOT NULL)),
  CHECK (last_used_at >= created_at AND expires_at > last_used_at AND terminated_at >= last_used_at)
);

CREATE UNIQUE INDEX execution_contexts_one_per_path ON execution_contexts
  (tenant_id, conversation_id, path_id) WHERE terminated_at IS NULL;
-- For the deletion of a path.
CREATE INDEX execution_contexts_of_path ON execution_contexts (tenant_id, conversation_id, path_id);
CREATE INDEX execution_contexts_by_expiry ON execution_contexts
  (tenant_id, expires_at, id) WHERE terminated_at IS NULL;
CREATE INDEX execution_contexts_by_end ON execution_contexts
  (tenant_id, terminated_at, id) WHERE terminated_at IS NOT NULL;
