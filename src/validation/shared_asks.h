#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"
#include "strata/base/internal/seeded_hash.h"
#include "strata/validation/validation_cache.h"

namespace strata::internal {

// One question at a time about each user, for all who ask where no cache can unite them.
//
// Who comes while a question is out does not get its answer, which may be older than an
// invalidation that he knows of. He waits for the next one, which one of those who wait asks for
// all of them: so a crowd costs two questions, whatever its size. Thread-safe.
class SharedAsks {
 public:
  explicit SharedAsks(const Clock& clock) : clock_(clock) {}

  // DeadlineExceeded: time was out while waiting for another.
  absl::StatusOr<Validation> ask(const std::string& user_id, ValidationCache::Ask ask,
                                 Deadline deadline);

 private:
  enum class Stage : std::uint8_t {
    kWaiting,     // a caller asks, for this question or the one before it
    kMayBegin,    // one of those who wait may ask it now
    kAnswered,    // `answer` is for all who waited
    kUnanswered,  // the caller that asked ran out of time: the others start over
  };
  struct Question {
    std::condition_variable changed;
    int waiting = 0;
    Stage stage = Stage::kWaiting;
    absl::StatusOr<Validation> answer;
  };
  // Those who come next have a question of their own; null: nobody has come.
  using Next = std::shared_ptr<Question>;

  using Lock = std::unique_lock<std::mutex>;

  // What became of the question; kWaiting: the deadline passed.
  Stage await(Lock& lock, Question& question, Deadline deadline) const;
  // By the caller that has the right to ask about the user.
  absl::StatusOr<Validation> lead(const std::string& user_id, ValidationCache::Ask ask,
                                  Deadline deadline, Question* of_many);
  void passOn(const std::string& user_id) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Clock& clock_;
  std::mutex mutex_;
  // There while a question is out.
  SeededMap<Next> users_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::internal
