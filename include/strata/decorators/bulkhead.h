// Bulkhead: at most so many calls of one database at once; a bounded number of others wait in line,
// each no longer than it has time.
//
//   auto bulkhead = Bulkhead::create({.max_concurrent = 16});   // one for all stores of a database
//   auto flags = GuardedStore<Flag>::create(std::move(below), *bulkhead, {.store = "flags"});
//
// Without one, a cache that is lost sends its whole load to the database, which gets slower for
// everybody and cannot recover. With one, the database never has more to do than it can, and the
// excess learns at once, or soon, that there is too much.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"

namespace strata {

struct BulkheadOptions {
  // Calls at once, 1 to 10 000. None: 16, or, where `connect` makes the bulkhead, as many as the
  // pool has connections; it refuses more, which would only move the line there.
  std::optional<std::size_t> max_concurrent;
  // How many may wait for a place; who comes to a full line is refused at once. Up to 1 000 000;
  // zero: nobody waits.
  std::size_t max_queue = 1000;
  // How long a call waits at most, whatever its deadline; above zero, up to an hour.
  absl::Duration max_wait = absl::Seconds(1);
};

// Ok, or InvalidArgument that names the option that is out of its range.
absl::Status validate(const BulkheadOptions& options);

// Thread-safe. First come, first served: a place that becomes free goes to whoever waits longest,
// never to one who comes at that moment.
class Bulkhead {
 public:
  enum class Admission : std::uint8_t {
    kAdmitted,
    kQueueFull,       // refused at once
    kWaitedTooLong,   // refused after max_wait
    kDeadlinePassed,  // the caller's time ran out in the line
  };

  // What `enter` answers. Where it is kAdmitted, the place is the caller's for as long as this
  // lives; the bulkhead must outlive it.
  class Place {
   public:
    Place(Place&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)),
          admission_(other.admission_),
          waited_(other.waited_) {}
    Place& operator=(Place&&) = delete;
    ~Place() {
      if (owner_ != nullptr) owner_->release();
    }

    Admission admission() const { return admission_; }
    // In the line.
    absl::Duration waited() const { return waited_; }

   private:
    friend class Bulkhead;
    Place(Bulkhead* owner, Admission admission, absl::Duration waited)
        : owner_(owner), admission_(admission), waited_(waited) {}

    Bulkhead* owner_;  // null: nothing to give back
    Admission admission_;
    absl::Duration waited_;
  };

  // InvalidArgument: as from `validate`. `clock` must outlive the bulkhead.
  static absl::StatusOr<std::shared_ptr<Bulkhead>> create(BulkheadOptions options,
                                                          const Clock& clock = Clock::system());

  // Waits for a place where there is none. Reads the clock only then.
  [[nodiscard]] Place enter(Deadline deadline);

  // With a max_concurrent.
  const BulkheadOptions& options() const { return options_; }
  std::size_t places() const { return *options_.max_concurrent; }

 private:
  // One who waits, on its own stack.
  struct Waiter {
    std::condition_variable changed;
    bool has_place = false;
  };
  using Queue = std::list<Waiter*>;

  Bulkhead(const BulkheadOptions& options, const Clock& clock);

  Place waitInLine(std::unique_lock<std::mutex> lock, Deadline deadline);
  void release();
  // Hands a place that is free to whoever waits longest.
  void passOn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const BulkheadOptions options_;
  const Clock& clock_;
  std::mutex mutex_;
  std::size_t taken_ ABSL_GUARDED_BY(mutex_) = 0;
  Queue queue_ ABSL_GUARDED_BY(mutex_);  // longest waiting first
};

}  // namespace strata
