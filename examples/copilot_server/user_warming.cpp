#include "examples/copilot_server/user_warming.h"

#include <array>
#include <utility>

#include "absl/time/time.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"
#include "strata/cache/tools/cache_warming.h"

namespace copilot {
namespace {

constexpr std::size_t kMaxSeen = 100'000;
constexpr int kMaxWaiting = 100;
constexpr absl::Duration kMaxTime = absl::Seconds(5);

void warmLists(const strata::ContextSources& sources, const std::string& user_id) {
  const std::array<strata::Id, 1> ids = {strata::Id(user_id)};
  const strata::WarmOptions options{.max_concurrent = 1,
                                    .deadline = strata::Deadline::in(kMaxTime)};
  std::size_t failed = 0;
  absl::Status first_failure;
  const auto count = [&](const strata::WarmReport& report) {
    failed += report.failed;
    first_failure.Update(report.status);
    first_failure.Update(report.first_failure);
  };
  count(strata::warm(*sources.user, ids, options));
  count(strata::warm(*sources.dreams, ids, options));
  count(strata::warm(*sources.patterns, ids, options));
  count(strata::warm(*sources.sessions, ids, options));
  count(strata::warm(*sources.reflections, ids, options));
  strata::log(strata::Severity::kDebug, "copilot_server.warmed",
              {{"failed", failed}, {"why", strata::describe(first_failure)}});
}

}  // namespace

UserWarming::UserWarming(strata::ContextSources sources, std::shared_ptr<strata::Executor> executor)
    : sources_(std::move(sources)), executor_(std::move(executor)) {}

bool UserWarming::isFirst(const std::string& user_id) {
  const std::lock_guard lock(mutex_);
  if (seen_.size() >= kMaxSeen) seen_.clear();
  return seen_.insert(user_id).second;
}

void UserWarming::onRequest(const std::string& user_id) {
  if (waiting_->load() >= kMaxWaiting || !isFirst(user_id)) return;
  ++*waiting_;
  executor_->schedule(absl::ZeroDuration(), [sources = sources_, user_id, waiting = waiting_] {
    --*waiting;
    warmLists(sources, user_id);
  });
}

}  // namespace copilot
