// The demo's input: a log of requests, and the policies of the tenants that send them.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "strata/base/timestamp.h"
#include "strata/stores/policy/tenant_llm_policy.h"

namespace strata::demo {

struct Request {
  Timestamp at;
  // The request's own random number: a stable hash of the text of its TIMESTAMP. Tenant, task and
  // user are drawn from it, so a log that names none still replays the same way every time.
  std::uint64_t draw;
};

// Told of every line that is passed over: its number (from 1) and what is wrong with it.
using OnBadLine = std::function<void(std::size_t line, std::string_view why)>;

// A CSV file with a column TIMESTAMP (any position, any case), in the file's order. Times without
// an offset are UTC.
// NotFound: there is no such file. InvalidArgument: it has no column TIMESTAMP.
absl::StatusOr<std::vector<Request>> readTrace(const std::string& path, const OnBadLine& on_bad);

// A file with one policy per line, as JSON.
// NotFound: there is no such file.
absl::StatusOr<std::vector<TenantLlmPolicy>> readPolicies(const std::string& path,
                                                          const OnBadLine& on_bad);

// Which of `count` tenants sends the request: number floor(count · u³), where u is the draw as a
// fraction of 2⁶⁴. The first tenants of the file are the busiest: of 100, the first sends a fifth.
std::size_t tenantOf(const Request& request, std::size_t count);

}  // namespace strata::demo
