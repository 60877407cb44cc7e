// 100 000 conversations of 100 tenants in PostgreSQL, past every store. One of them has 10 000
// messages on 50 paths, three deep; one has 10 messages; each of the others has one.
#pragma once

#include <fmt/format.h>

#include <string>

#include "absl/status/status.h"
#include "strata/testing/servers/local_postgres.h"

namespace strata {

namespace many {

inline std::string uuid(int kind, int number) {
  return fmt::format("{:08}-0000-4000-8000-{:012}", kind, number);
}
// A conversation `i` is of tenant i % 100, and its primary path is path(i).
inline std::string tenant(int i) { return uuid(1, i % 100); }
inline std::string conversation(int i) { return uuid(2, i); }
inline std::string path(int i) { return uuid(3, i); }
inline std::string message(int i) { return uuid(4, i); }
// Of each tenant, and the owner of every tenth conversation, which is private.
inline std::string owner() { return uuid(5, 1); }

inline constexpr int kLarge = 7;
inline constexpr int kSmall = 8;
// Three below the primary path of kLarge; with what it shows of them, 5200 messages.
inline constexpr int kDeepPath = 200'049;
inline constexpr int kDeepMessages = 5'200;
// Paths beside the primary ones, with two messages and nothing that branches from them.
inline constexpr int kLargeBranch = 200'048;
inline constexpr int kSmallBranch = 200'100;

}  // namespace many

// Paths 1 to 49 of kLarge have 100 messages each, its primary path the others. Path p branches from
// the primary path's message 5000, or from message 50 of a path one level up.
inline constexpr const char* kManyConversations = R"(
SET session_replication_role = replica;  -- what refers to what is right by itself
SET auto_explain.log_min_duration = -1;  -- not the plans of this, whose end may reach the log late
CREATE FUNCTION pg_temp.u(kind int, number bigint) RETURNS uuid IMMUTABLE LANGUAGE SQL AS
  $$ SELECT format('%s-0000-4000-8000-%s', lpad(kind::text, 8, '0'), lpad(number::text, 12, '0'))::uuid $$;
CREATE TEMP TABLE n AS
  SELECT i, pg_temp.u(1, i % 100) AS tenant, pg_temp.u(2, i) AS conversation,
         pg_temp.u(3, i) AS path, pg_temp.u(4, i) AS message,
         now() - i * interval '1 minute' AS at
  FROM generate_series(1, 100000) AS i;
CREATE TEMP TABLE p AS  -- the paths beside the primary ones
  SELECT p, pg_temp.u(1, 7) AS tenant, pg_temp.u(2, 7) AS conversation, pg_temp.u(3, 200000 + p) AS path,
         CASE WHEN p <= 7 THEN 7 WHEN p <= 28 THEN 200001 + (p - 8) % 7
              ELSE 200008 + (p - 29) % 21 END AS parent,
         CASE WHEN p <= 7 THEN 405000 ELSE NULL END AS point
  FROM generate_series(1, 49) AS p;
INSERT INTO conversations (tenant_id, id, user_id, share_audience, active_path_id, created_at,
                           updated_at, last_message_at, archived_at)
  SELECT tenant, conversation, CASE WHEN i % 10 = 0 THEN pg_temp.u(5, 1) END,
         CASE WHEN i % 10 = 0 THEN 'private' ELSE 'tenant' END, path, at, at, at,
         CASE WHEN i / 100 % 4 = 3 THEN at END
  FROM n;
INSERT INTO conversation_paths (tenant_id, conversation_id, id, name, is_primary, created_at,
                                updated_at, message_count)
  SELECT tenant, conversation, path, 'Main', true, at, at,
         CASE i WHEN 7 THEN 5100 WHEN 8 THEN 8 ELSE 1 END
  FROM n;
INSERT INTO conversation_paths (tenant_id, conversation_id, id, parent_path_id,
                                branch_point_message_id, message_count)
  SELECT tenant, conversation, path, pg_temp.u(3, parent),
         pg_temp.u(4, coalesce(point, 410000 + (parent - 200000) * 100 + 50)), 100
  FROM p;
INSERT INTO conversation_paths (tenant_id, conversation_id, id, parent_path_id,
                                branch_point_message_id, message_count)
  VALUES (pg_temp.u(1, 8), pg_temp.u(2, 8), pg_temp.u(3, 200100), pg_temp.u(3, 8),
          pg_temp.u(4, 420004), 2);
CREATE TEMP TABLE m AS
  SELECT tenant, conversation, path, message, 1 AS sequence, at FROM n WHERE i NOT IN (7, 8)
  UNION ALL
  SELECT tenant, conversation, path, pg_temp.u(4, 400000 + s), s, at + s * interval '1 ms'
  FROM n, generate_series(1, 5100) AS s WHERE i = 7
  UNION ALL
  SELECT tenant, conversation, path, pg_temp.u(4, 410000 + p * 100 + s), s, now() + s * interval '1 ms'
  FROM p, generate_series(1, 100) AS s
  UNION ALL
  SELECT pg_temp.u(1, 8), pg_temp.u(2, 8), pg_temp.u(3, CASE WHEN s <= 8 THEN 8 ELSE 200100 END),
         pg_temp.u(4, 420000 + s), CASE WHEN s <= 8 THEN s ELSE s - 8 END, now()
  FROM generate_series(1, 10) AS s;
INSERT INTO messages (tenant_id, conversation_id, path_id, id, sequence_in_path, role, content,
                      created_at, is_pinned, pinned_at, is_branch_point)
  SELECT tenant, conversation, path, message, sequence, 'user',
         'A message of an ordinary length, which says something about the third quarter.', at,
         sequence % 100 = 50, CASE WHEN sequence % 100 = 50 THEN at END, sequence IN (50, 5000)
  FROM m;
)";

inline absl::Status insertManyConversations(testing::LocalPostgres& postgres,
                                            const std::string& database = "postgres") {
  return postgres.query(kManyConversations, database).status();
}

}  // namespace strata
