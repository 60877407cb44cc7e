#include "src/cache/tools/key_walk.h"

#include <utility>

namespace strata::internal {
namespace {

constexpr int kMostRestarts = 5;
constexpr absl::Duration kPause = absl::Milliseconds(100);

absl::Status walkOnce(Cache& cache, std::string_view prefix, Deadline deadline, const Clock& clock,
                      absl::FunctionRef<void(std::vector<std::string>)> take) {
  std::string cursor;
  do {
    if (deadline.hasPassed(clock)) {
      return absl::DeadlineExceededError("the deadline passed while keys were listed");
    }
    absl::StatusOr<KeyPage> page = cache.scan(prefix, cursor, deadline);
    if (!page.ok()) return page.status();
    cursor = std::move(page->next);
    take(std::move(page->keys));
  } while (!cursor.empty());
  return absl::OkStatus();
}

}  // namespace

absl::Status walkKeys(Cache& cache, std::string_view prefix, Deadline deadline, const Clock& clock,
                      absl::FunctionRef<void(std::vector<std::string>)> take,
                      absl::FunctionRef<void()> restart) {
  for (int restarts = 0;; ++restarts) {
    absl::Status walked = walkOnce(cache, prefix, deadline, clock, take);
    if (!absl::IsAborted(walked) || restarts == kMostRestarts) return walked;
    clock.sleepFor(deadline.remaining(kPause * (restarts + 1), clock));
    restart();
  }
}

}  // namespace strata::internal
