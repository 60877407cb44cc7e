CREATE TABLE users (
  id                     text COLLATE "C" PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 200),
  name                   text        NOT NULL DEFAULT '',
  tier                   text        NOT NULL DEFAULT 'free'
                                     CHECK (tier IN ('free', 'pro', 'unlimited')),
  total_reflections      bigint      NOT NULL DEFAULT 0 CHECK (total_reflections >= 0),
  total_clarify_sessions bigint      NOT NULL DEFAULT 0 CHECK (total_clarify_sessions >= 0),
  created_at             timestamptz NOT NULL DEFAULT now(),
  updated_at             timestamptz NOT NULL DEFAULT now(),
  CHECK (updated_at >= created_at)
);

CREATE TABLE dreams (
  user_id     text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  id          uuid        NOT NULL,
  title       text        NOT NULL CHECK (char_length(title) <= 200),
  description text        CHECK (char_length(description) <= 2000),
  status      text        NOT NULL DEFAULT 'active'
                          CHECK (status IN ('active', 'achieved', 'archived', 'released')),
  category    text,
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, id),
  CHECK (updated_at >= created_at)
);

-- The order of lists, and of what a context shows: the first rows of one status.
CREATE INDEX dreams_by_change ON dreams (user_id, updated_at DESC, id DESC);
CREATE INDEX dreams_by_status ON dreams (user_id, status, updated_at DESC, id DESC);

CREATE TABLE clarify_patterns (
  user_id      text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  id           uuid        NOT NULL,
  pattern_type text        NOT NULL CHECK (
                 pattern_type IN ('recurring_theme', 'value', 'strength', 'blocker')),
  content      text        NOT NULL,
  strength     integer     NOT NULL CHECK (strength BETWEEN 1 AND 10),
  created_at   timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, id)
);

CREATE INDEX clarify_patterns_by_strength ON clarify_patterns
  (user_id, strength DESC, created_at DESC, id DESC);

CREATE TABLE clarify_sessions (
  user_id         text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  id              uuid        NOT NULL,
  title           text        NOT NULL DEFAULT '',
  status          text        NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'archived')),
  last_message_at timestamptz NOT NULL DEFAULT now(),
  message_count   bigint      NOT NULL DEFAULT 0 CHECK (message_count >= 0),
  created_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, id),
  CHECK (last_message_at >= created_at)
);

CREATE INDEX clarify_sessions_by_message ON clarify_sessions
  (user_id, last_message_at DESC, id DESC);
CREATE INDEX clarify_sessions_by_status ON clarify_sessions
  (user_id, status, last_message_at DESC, id DESC);

CREATE TABLE reflections (
  user_id    text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  id         uuid        NOT NULL,
  tone       text        NOT NULL DEFAULT 'gentle' CHECK (tone IN ('gentle', 'intense', 'fusion')),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, id)
);

CREATE INDEX reflections_by_time ON reflections (user_id, created_at DESC, id DESC);
