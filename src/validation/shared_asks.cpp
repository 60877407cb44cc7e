#include "src/validation/shared_asks.h"

#include <utility>

#include "src/base/own_deadline.h"
#include "src/base/unshared_status.h"
#include "strata/base/internal/user_calls.h"

namespace strata::internal {
namespace {

absl::StatusOr<Validation> ownCopy(const absl::StatusOr<Validation>& answer) {
  if (answer.ok()) return answer;
  return unshared(answer.status());
}

}  // namespace

absl::StatusOr<Validation> SharedAsks::ask(const std::string& user_id, ValidationCache::Ask ask,
                                           Deadline deadline) {
  Lock lock(mutex_);
  while (true) {
    const auto [user, is_first] = users_.try_emplace(user_id);
    if (is_first) {
      lock.unlock();
      return lead(user_id, ask, deadline, nullptr);
    }
    if (user->second == nullptr) user->second = std::make_shared<Question>();
    const std::shared_ptr<Question> question = user->second;
    const Stage stage = await(lock, *question, deadline);
    if (stage == Stage::kAnswered) return ownCopy(question->answer);
    if (stage == Stage::kMayBegin) {
      lock.unlock();
      return lead(user_id, ask, deadline, question.get());
    }
    if (deadline.hasPassed(clock_)) {
      return absl::DeadlineExceededError("the deadline passed while another's answer was awaited");
    }
  }
}

SharedAsks::Stage SharedAsks::await(Lock& lock, Question& question, Deadline deadline) const {
  ++question.waiting;
  while (question.stage == Stage::kWaiting && !deadline.hasPassed(clock_)) {
    clock_.wait(lock, question.changed, deadline.time());
  }
  --question.waiting;
  // The right to begin is for one.
  if (question.stage != Stage::kMayBegin) return question.stage;
  question.stage = Stage::kWaiting;
  return Stage::kMayBegin;
}

absl::StatusOr<Validation> SharedAsks::lead(const std::string& user_id, ValidationCache::Ask ask,
                                            Deadline deadline, Question* of_many) {
  absl::StatusOr<Validation> answer = callOut("validation", ask);
  const bool is_late = isOwnDeadline(answer.status(), deadline, clock_);
  const std::lock_guard lock(mutex_);
  if (of_many != nullptr) {
    of_many->answer = ownCopy(answer);
    of_many->stage = is_late ? Stage::kUnanswered : Stage::kAnswered;
    of_many->changed.notify_all();
  }
  passOn(user_id);
  return answer;
}

void SharedAsks::passOn(const std::string& user_id) {
  const auto user = users_.find(user_id);
  const Next next = std::exchange(user->second, nullptr);
  if (next == nullptr || next->waiting == 0) {
    users_.erase(user);
    return;
  }
  next->stage = Stage::kMayBegin;
  next->changed.notify_one();
}

}  // namespace strata::internal
