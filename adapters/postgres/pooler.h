// Pooler: what the connections of one pool know about a pooler (PgBouncer, Odyssey, Supavisor …)
// between them and the server.
//
// A pooler in transaction mode gives each transaction whatever session is free, and a session to
// whoever comes next. What is left in one (a prepared statement, a setting) is missing where it is
// wanted and found by others. So nothing is left in a session unless it is known to be one's own.
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
