#include "examples/demo/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "strata/base/status.h"
#include "strata/stores/policy/policy_resolution.h"

namespace strata::demo {
namespace {

// Its multiples modulo 2⁶⁴ are spread evenly (Knuth, The Art of Computer Programming, 6.4).
constexpr std::uint64_t kGoldenRatio = 0x9E3779B97F4A7C15;
constexpr std::string_view kEditMark = "strata-demo-edit-";

// The policy after the administrator's nth edit: a function of the first one and n alone, so that
// whoever reads it knows what it must say.
TenantLlmPolicy edited(const TenantLlmPolicy& first, std::int64_t n) {
  constexpr std::array<EgressMode, 3> kModes{EgressMode::kEnforce, EgressMode::kReportOnly,
                                             EgressMode::kOff};
  TenantLlmPolicy policy = first;
  policy.updated_by = fmt::format("{}{}", kEditMark, n);
  if (n == 0) return policy;
  policy.default_model = fmt::format("{}-r{}", first.default_model, n);
  policy.egress_mode = kModes[static_cast<std::size_t>(n) % kModes.size()];
  policy.allow_off_mode = n % 2 == 0;
  return policy;
}

std::optional<std::int64_t> editOf(const TenantLlmPolicy& policy) {
  const std::string_view by = policy.updated_by ? *policy.updated_by : std::string_view();
  if (!by.starts_with(kEditMark)) return std::nullopt;
  std::int64_t n = 0;
  const auto digits = by.substr(kEditMark.size());
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return n;
}

PolicyRequest policyRequestOf(const Request& request, const TenantLlmPolicy& first) {
  // One draw in so many goes to a task that has no policy of its own.
  const std::size_t task = (request.draw >> 8) % (first.tasks.size() + 1);
  PolicyRequest asked;
  if (task < first.tasks.size()) asked.task = first.tasks[task].task;
  if (!first.user_policies.empty() && request.draw % 3 == 0) {
    asked.user_id = first.user_policies.begin()->first;
  }
  return asked;
}

struct Tenant {
  TenantLlmPolicy first;
  // The version of the newest acknowledged edit.
  std::atomic<std::int64_t> acknowledged{0};
  std::int64_t edits = 0;  // of the administrator's thread
};

class Replay {
 public:
  Replay(PolicyStore& store, const std::vector<TenantLlmPolicy>& policies,
         const std::vector<Request>& trace, const ReplayOptions& options)
      : store_(store),
        trace_(trace),
        options_(options),
        total_(static_cast<std::int64_t>(trace.size()) * options.repeat) {
    for (const TenantLlmPolicy& policy : policies) tenants_.emplace_back().first = policy;
  }

  ReplayResult run() {
    for (Tenant& tenant : tenants_) set(tenant, 0);
    start_ = Clock::system().now();
    std::thread administrator([this] { administrate(); });
    std::thread observer([this] { observe(); });
    std::vector<std::thread> clients;
    for (int i = 0; i < options_.threads; ++i) clients.emplace_back([this] { serve(); });
    for (std::thread& client : clients) client.join();
    const absl::Duration elapsed = Clock::system().now() - start_;
    finished_ = true;
    administrator.join();
    observer.join();
    return {.requests = done_,
            .edits = edits_,
            .stale = stale_,
            .wrong = wrong_,
            .errors = errors_,
            .first_error = first_error_,
            .elapsed = elapsed};
  }

 private:
  void serve() {
    for (std::int64_t i = next_++; i < total_; i = next_++) {
      const Request& request = trace_[static_cast<std::size_t>(i) % trace_.size()];
      waitUntilDue(i);
      if (i == total_ / 2 && options_.at_half) options_.at_half();
      ask(request);
      ++done_;
    }
  }

  void waitUntilDue(std::int64_t index) {
    if (options_.speed <= 0) return;
    const auto size = static_cast<std::int64_t>(trace_.size());
    const auto span = trace_.back().at - trace_.front().at;
    const auto at = trace_[static_cast<std::size_t>(index % size)].at - trace_.front().at;
    const auto micros = static_cast<double>((at + span * (index / size)).count());
    const MonotonicTime due = start_ + absl::Microseconds(micros / options_.speed);
    Clock::system().sleepFor(std::max(due - Clock::system().now(), absl::ZeroDuration()));
  }

  void ask(const Request& request) {
    Tenant& tenant = tenants_[tenantOf(request, tenants_.size())];
    const std::int64_t acknowledged = tenant.acknowledged;
    const auto policy = store_.getPolicy(tenant.first.tenant_id);
    if (!policy.ok()) return noteError(policy.status());
    const bool stale = *policy == nullptr || policy->version().value() < acknowledged;
    if (stale) {
      ++stale_;
    } else if (!isRight(tenant.first, **policy, policyRequestOf(request, tenant.first))) {
      ++wrong_;
    }
  }

  // Whether the policy is what its edit made of the first one, and resolves accordingly.
  static bool isRight(const TenantLlmPolicy& first, const TenantLlmPolicy& answer,
                      const PolicyRequest& request) {
    const auto n = editOf(answer);
    if (!n) return false;
    TenantLlmPolicy expected = edited(first, *n);
    expected.updated_at = answer.updated_at;
    const auto resolved = resolvePolicy(answer, request);
    const auto should_be = resolvePolicy(expected, request);
    return answer == expected && resolved.status() == should_be.status() &&
           (!resolved.ok() || *resolved == *should_be);
  }

  void administrate() {
    for (std::int64_t n = 1;; ++n) {
      const std::int64_t due = n * options_.requests_per_edit;
      while (!finished_ && done_ < due) Clock::system().sleepFor(absl::Microseconds(50));
      if (finished_) return;
      // The busiest tenants are edited most, as they are asked for most.
      const Request drawn{.at = {}, .draw = kGoldenRatio * static_cast<std::uint64_t>(n)};
      Tenant& tenant = tenants_[tenantOf(drawn, tenants_.size())];
      if (set(tenant, ++tenant.edits)) ++edits_;
    }
  }

  bool set(Tenant& tenant, std::int64_t edit) {
    const auto version = store_.setPolicy(edited(tenant.first, edit));
    if (!version.ok()) {
      noteError(version.status());
      return false;
    }
    tenant.acknowledged = version->value();
    return true;
  }

  void observe() {
    while (!finished_) {
      if (options_.on_progress) options_.on_progress(done_, total_);
      Clock::system().sleepFor(absl::Milliseconds(20));
    }
    if (options_.on_progress) options_.on_progress(done_, total_);
  }

  void noteError(const absl::Status& status) {
    ++errors_;
    const std::lock_guard lock(mutex_);
    if (first_error_.empty()) first_error_ = describe(status);
  }

  PolicyStore& store_;
  const std::vector<Request>& trace_;
  const ReplayOptions& options_;
  const std::int64_t total_;
  std::deque<Tenant> tenants_;
  MonotonicTime start_;
  std::atomic<bool> finished_{false};
  std::atomic<std::int64_t> next_{0};
  std::atomic<std::int64_t> done_{0};
  std::atomic<std::int64_t> edits_{0};
  std::atomic<std::int64_t> stale_{0};
  std::atomic<std::int64_t> wrong_{0};
  std::atomic<std::int64_t> errors_{0};
  std::mutex mutex_;
  std::string first_error_;  // guarded by mutex_
};

}  // namespace

ReplayResult replay(PolicyStore& store, const std::vector<TenantLlmPolicy>& policies,
                    const std::vector<Request>& trace, const ReplayOptions& options) {
  return Replay(store, policies, trace, options).run();
}

}  // namespace strata::demo
