CREATE TABLE conversation_contexts (
  conversation_id uuid        NOT NULL,
  tenant_id       uuid        NOT NULL,
  active_node_ids jsonb       NOT NULL DEFAULT '[]'
                              CHECK (jsonb_typeof(active_node_ids) = 'array'),
  trace_id        text,
  root_span_name  text,
  root_span_id    text,
  updated_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, conversation_id),
  FOREIGN KEY (tenant_id, conversation_id) REFERENCES conversations (tenant_id, id)
);
