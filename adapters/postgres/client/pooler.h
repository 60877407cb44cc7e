// Pooler: what the connections of one pool know about a pooler (PgBouncer, Odyssey, Supavisor …)
// between them and the server.
//
// A pooler in transaction mode runs each transaction of a client in any free session of the server. A
// prepared statement or a setting that a client leaves in a session is then missing in the client's
// next session and affects the session's next client. So nothing is left in a session unless the
// pooler is known to keep sessions.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <utility>

#include "strata/adapters/postgres/postgres_pool.h"

namespace strata::postgres {

// Thread-safe.
class Pooler {
 public:
  // `place` is for the log: where the connections lead.
  Pooler(PrepareStatements policy, std::string place) : policy_(policy), place_(std::move(place)) {}

  PrepareStatements policy() const { return policy_; }
  // Whether statements and settings may stay in the sessions.
  bool keepsSessions() const {
    return policy_ == PrepareStatements::kOn || (policy_ == PrepareStatements::kAuto && !seen_);
  }
  bool isRecognised() const { return seen_; }
  // There is one, by this sign. Warns the first time, if anything changes by it.
  void recognise(std::string_view sign);

 private:
  const PrepareStatements policy_;
  const std::string place_;
  std::atomic<bool> seen_{false};
};

}  // namespace strata::postgres
