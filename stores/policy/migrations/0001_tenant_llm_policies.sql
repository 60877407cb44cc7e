CREATE SEQUENCE IF NOT EXISTS strata_row_version;

CREATE TABLE tenant_llm_policies (
  tenant_id           uuid        PRIMARY KEY,
  default_model       text        NOT NULL,
  default_provider    text        NOT NULL,
  allow_remote_egress boolean     NOT NULL DEFAULT true,
  tasks               jsonb       NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(tasks) = 'array'),
  egress_mode         text        CHECK (egress_mode IN ('enforce', 'report-only', 'off')),
  allow_off_mode      boolean,
  user_policies       jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(user_policies) = 'object'),
  updated_at          timestamptz NOT NULL DEFAULT now(),
  updated_by          text,
  row_version         bigint      NOT NULL DEFAULT nextval('strata_row_version')
);
