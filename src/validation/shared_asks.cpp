#include "src/validation/shared_asks.h"

#include <utility>

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
  std::shared_ptr<Question> question;
  {
    std::unique_lock lock(mutex_);
    const auto [user, is_first] = users_.try_emplace(user_id);
    if (!is_first) {
      if (user->second == nullptr) user->second = std::make_shared<Question>();
      question = user->second;
      ++question->waiting;
      while (!question->is_answered && !question->may_begin && !deadline.hasPassed(clock_)) {
        clock_.wait(lock, question->changed, deadline.time());
      }
      --question->waiting;
      if (question->is_answered) return ownCopy(question->answer);
      if (!question->may_begin) {
        return absl::DeadlineExceededError(
            "the deadline passed while another's answer was awaited");
      }
      question->may_begin = false;
    }
  }
  return lead(user_id, ask, question.get());
}

absl::StatusOr<Validation> SharedAsks::lead(const std::string& user_id, ValidationCache::Ask ask,
                                            Question* of_many) {
  absl::StatusOr<Validation> answer = callOut("validation", ask);
  const std::lock_guard lock(mutex_);
  if (of_many != nullptr) {
    of_many->answer = ownCopy(answer);
    of_many->is_answered = true;
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
  next->may_begin = true;
  next->changed.notify_one();
}

}  // namespace strata::internal
