// changeSchema: DDL that waits for locks without making everybody else wait.
//
// While an ALTER TABLE waits for ACCESS EXCLUSIVE behind one long reader, every later SELECT of the
// table waits behind it. So an attempt waits only for a moment for each lock, is then rolled back
// as a whole, and is repeated after a pause in which the others get on:
//
//   BEGIN, take the turn, change ── ok ──────────────────────────▶ COMMIT
//     ▲                       └──── a lock was not to be had ────▶ ROLLBACK, pause ─┐
//     └─────────────────────────────────────────────────────────────────────────────┘
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "adapters/postgres/client/pool.h"

namespace strata::postgres {

// The turn of migrations, and of everything that they may make besides. Any number will do, if it
// stays the same.
inline constexpr std::int64_t kMigrationTurn = 5570193312718082;

struct SchemaChange {
  // For messages: "extend table shop.items".
  std::string what;
  // The advisory lock by which processes take turns. It is asked for and not waited for: a session
  // that waits holds a snapshot, which CREATE INDEX CONCURRENTLY would wait for in its turn.
  std::int64_t turn;
  // SQL at the beginning of each transaction.
  std::string_view settings;
  // For how long it is repeated.
  absl::Duration patience;
  // Whether that counts the time in which another process had the turn.
  bool counts_turns_of_others;
};

// Runs `apply` in a transaction, read committed, until one of them is committed. Only a lock that
// was not to be had, or a deadlock, is a reason to repeat it. Blocks.
//
// Unavailable: out of patience; names the lock and its holders. Otherwise the errors of `apply`,
// which leave nothing changed, and of the pool.
absl::Status changeSchema(Pool& pool, const SchemaChange& change,
                          absl::FunctionRef<absl::Status(Connection&)> apply);

}  // namespace strata::postgres
