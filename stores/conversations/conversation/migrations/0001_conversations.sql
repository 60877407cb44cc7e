CREATE SEQUENCE IF NOT EXISTS strata_row_version;

CREATE TABLE conversations (
  id                  uuid        NOT NULL,
  tenant_id           uuid        NOT NULL,
  user_id             uuid,
  trace_id            text,
  root_span_name      text,
  root_span_id        text,
  share_audience      text        NOT NULL DEFAULT 'private'
                                  CHECK (share_audience IN ('private', 'tenant', 'public')),
  tenant_access       text        NOT NULL DEFAULT 'view' CHECK (tenant_access IN ('view', 'edit')),
  authorization_model text        NOT NULL DEFAULT 'rbac'
                                  CHECK (authorization_model IN ('rbac', 'openfga')),
  authorization_spec  jsonb       NOT NULL DEFAULT '{}'
                                  CHECK (jsonb_typeof(authorization_spec) = 'object'),
  persona_id          text,
  jurisdictions       jsonb       NOT NULL DEFAULT '[]'
                                  CHECK (jsonb_typeof(jurisdictions) = 'array'),
  title               text,
  active_path_id      uuid,
  archived_at         timestamptz,
  created_at          timestamptz NOT NULL DEFAULT now(),
  updated_at          timestamptz NOT NULL DEFAULT now(),
  last_message_at     timestamptz,
  last_compacted_at   timestamptz,
  row_version         bigint      NOT NULL DEFAULT nextval('strata_row_version'),
  PRIMARY KEY (tenant_id, id)
);

-- The order of lists: by activity, the newest first.
CREATE INDEX conversations_active ON conversations
  (tenant_id, (coalesce(last_message_at, created_at)) DESC, id DESC) WHERE archived_at IS NULL;
CREATE INDEX conversations_archived ON conversations
  (tenant_id, (coalesce(last_message_at, created_at)) DESC, id DESC) WHERE archived_at IS NOT NULL;
CREATE INDEX conversations_all ON conversations
  (tenant_id, (coalesce(last_message_at, created_at)) DESC, id DESC);

CREATE TABLE conversation_paths (
  id                       uuid        NOT NULL,
  conversation_id          uuid        NOT NULL,
  tenant_id                uuid        NOT NULL,
  parent_path_id           uuid,
  branch_point_message_id  uuid,
  name                     text,
  description              text,
  is_primary               boolean     NOT NULL DEFAULT false,
  is_active                boolean     NOT NULL DEFAULT true,
  merged_to_path_id        uuid,
  merged_at                timestamptz,
  merge_summary_message_id uuid,
  merge_mode               text        CHECK (merge_mode IN ('summary', 'full', 'selective')),
  created_at               timestamptz NOT NULL DEFAULT now(),
  updated_at               timestamptz NOT NULL DEFAULT now(),
  message_count            bigint      NOT NULL DEFAULT 0 CHECK (message_count >= 0),
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id),
  FOREIGN KEY (tenant_id, parent_path_id) REFERENCES conversation_paths (tenant_id, id),
  FOREIGN KEY (tenant_id, merged_to_path_id) REFERENCES conversation_paths (tenant_id, id),
  CHECK ((parent_path_id IS NULL) = (branch_point_message_id IS NULL)),
  CHECK (NOT is_primary OR (is_active AND merged_at IS NULL AND parent_path_id IS NULL)),
  CHECK ((merged_at IS NULL) = (merged_to_path_id IS NULL)),
  CHECK ((merged_at IS NULL) = (merge_mode IS NULL)),
  CHECK (parent_path_id <> id AND merged_to_path_id <> id)
);

CREATE UNIQUE INDEX conversation_paths_one_primary ON conversation_paths
  (tenant_id, conversation_id) WHERE is_primary;
CREATE INDEX conversation_paths_of_conversation ON conversation_paths
  (tenant_id, conversation_id, created_at, id);
CREATE INDEX conversation_paths_of_parent ON conversation_paths
  (tenant_id, parent_path_id) WHERE parent_path_id IS NOT NULL;
CREATE INDEX conversation_paths_merged_to ON conversation_paths
  (tenant_id, merged_to_path_id) WHERE merged_to_path_id IS NOT NULL;

CREATE TABLE messages (
  id                uuid        NOT NULL,
  conversation_id   uuid        NOT NULL,
  path_id           uuid        NOT NULL,
  tenant_id         uuid        NOT NULL,
  sequence_in_path  bigint      NOT NULL CHECK (sequence_in_path >= 1),
  role              text        NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
  content           text        NOT NULL,
  metadata          jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
  user_id           uuid,
  trace_id          text,
  root_span_name    text,
  root_span_id      text,
  message_type      text        NOT NULL DEFAULT 'standard' CHECK (
                      message_type IN ('standard', 'merge_summary', 'branch_point', 'system')),
  is_branch_point   boolean     NOT NULL DEFAULT false,
  branched_to_paths jsonb       NOT NULL DEFAULT '[]'
                                CHECK (jsonb_typeof(branched_to_paths) = 'array'),
  is_pinned         boolean     NOT NULL DEFAULT false,
  pinned_at         timestamptz,
  pinned_by         uuid,
  created_at        timestamptz NOT NULL DEFAULT now(),
  deleted_at        timestamptz,
  PRIMARY KEY (tenant_id, id),
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id),
  FOREIGN KEY (tenant_id, path_id) REFERENCES conversation_paths (tenant_id, id),
  UNIQUE (tenant_id, path_id, sequence_in_path),
  CHECK (is_pinned = (pinned_at IS NOT NULL))
);

-- The order of a conversation: by time, and within a path always by sequence.
CREATE INDEX messages_of_conversation ON messages
  (tenant_id, conversation_id, created_at, sequence_in_path, id);
CREATE INDEX messages_pinned ON messages
  (tenant_id, conversation_id, created_at, sequence_in_path, id)
  WHERE is_pinned AND deleted_at IS NULL;
CREATE INDEX messages_branch_points ON messages
  (tenant_id, path_id, sequence_in_path) WHERE is_branch_point;

-- Both ways between the tables, so checked at the commit.
ALTER TABLE conversations ADD FOREIGN KEY (tenant_id, active_path_id)
  REFERENCES conversation_paths (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE conversation_paths
  ADD FOREIGN KEY (tenant_id, branch_point_message_id)
    REFERENCES messages (tenant_id, id) DEFERRABLE INITIALLY DEFERRED,
  ADD FOREIGN KEY (tenant_id, merge_summary_message_id)
    REFERENCES messages (tenant_id, id) DEFERRABLE INITIALLY DEFERRED;

-- So that what refers to a path or message that is removed is found.
CREATE INDEX conversations_active_path ON conversations
  (tenant_id, active_path_id) WHERE active_path_id IS NOT NULL;
CREATE INDEX conversation_paths_branch_point ON conversation_paths
  (tenant_id, branch_point_message_id) WHERE branch_point_message_id IS NOT NULL;
CREATE INDEX conversation_paths_merge_summary ON conversation_paths
  (tenant_id, merge_summary_message_id) WHERE merge_summary_message_id IS NOT NULL;
