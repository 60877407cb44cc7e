CREATE SEQUENCE IF NOT EXISTS strata_row_version;

CREATE TABLE conversation_configs (
  id                          text             PRIMARY KEY,
  level                       text             NOT NULL CHECK (level IN ('global', 'tenant', 'user')),
  tenant_id                   uuid,
  user_id                     uuid,
  merge_compression_strategy  text
    CHECK (merge_compression_strategy IN ('none', 'minimal', 'moderate', 'aggressive')),
  merge_max_messages          integer          CHECK (merge_max_messages >= 1),
  merge_preserve_pinned       boolean,
  path_compression_strategy   text
    CHECK (path_compression_strategy IN ('none', 'sliding_window', 'semantic', 'hybrid')),
  path_max_messages           integer          CHECK (path_max_messages >= 1),
  path_sliding_window_size    integer          CHECK (path_sliding_window_size >= 1),
  path_compression_threshold  double precision
    CHECK (path_compression_threshold > 0 AND path_compression_threshold <= 1),
  auto_compact_enabled        boolean,
  compaction_interval_minutes integer          CHECK (compaction_interval_minutes >= 1),
  updated_at                  timestamptz      NOT NULL DEFAULT now(),
  updated_by                  text,
  row_version                 bigint           NOT NULL DEFAULT nextval('strata_row_version'),

  CONSTRAINT conversation_configs_scope_fits_level CHECK (
    (tenant_id IS NOT NULL) = (level IN ('tenant', 'user')) AND
    (user_id IS NOT NULL) = (level = 'user')),
  -- A row under any other id would be read for somebody else, or for nobody.
  CONSTRAINT conversation_configs_id_names_scope CHECK (
    id = CASE level WHEN 'global' THEN 'global'
                    WHEN 'tenant' THEN tenant_id::text
                    ELSE tenant_id::text || ':' || user_id::text END),
  CONSTRAINT conversation_configs_one_per_scope
    UNIQUE NULLS NOT DISTINCT (level, tenant_id, user_id)
);
