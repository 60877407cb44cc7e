// The demo's work: requests from several threads while an administrator edits policies, with every
// answer checked.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/time/time.h"
#include "examples/demo/trace.h"
#include "strata/stores/policy/policy_store.h"

namespace strata::demo {

struct ReplayOptions {
  int threads = 8;
  // How many times as fast as in the log; zero: as fast as it goes.
  double speed = 0;
  // The log is replayed this often.
  int repeat = 1;
  // An edit lands after every so many requests.
  std::int64_t requests_per_edit = 50;
  // Called once, when half of the requests have begun; the others go on meanwhile.
  std::function<void()> at_half;
  // Called now and then with how much is done.
  std::function<void(std::int64_t done, std::int64_t total)> on_progress;
};

struct ReplayResult {
  std::int64_t requests = 0;
  std::int64_t edits = 0;
  // Answers older than a policy whose edit had been acknowledged before the request began.
  std::int64_t stale = 0;
  // Answers that are no edit's policy, or that resolved to another model or egress mode than it
  // says.
  std::int64_t wrong = 0;
  std::int64_t errors = 0;
  std::string first_error;
  absl::Duration elapsed;
};

// Stores `policies`, then replays `trace` against them. Neither may be empty.
ReplayResult replay(PolicyStore& store, const std::vector<TenantLlmPolicy>& policies,
                    const std::vector<Request>& trace, const ReplayOptions& options);

}  // namespace strata::demo
