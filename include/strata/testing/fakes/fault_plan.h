// FaultPlan: which calls of a FaultInjectingStore fail, how, and what happens around them.
//
//   auto faults = std::make_shared<FaultPlan>();
//   faults->failCall(StoreOperation::kPut, 2);                       // the second from now
//   faults->failAll(StoreOperation::kGet, {.error = absl::DeadlineExceededError("slow")});
//   faults->heal();
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <random>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "strata/base/clock.h"

namespace strata::testing {

enum class StoreOperation : std::uint8_t { kGet, kGetMany, kPut, kRemove, kHealthCheck };
inline constexpr std::size_t kStoreOperations = 5;

struct Fault {
  enum class When : std::uint8_t {
    kBefore,  // the call never reaches the store below
    kAfter,   // the store below executes it, and its answer is lost
  };

  absl::Status error = absl::UnavailableError("injected fault");
  When when = When::kBefore;

  // The connection broke while the answer was on its way: the caller cannot know what happened.
  static Fault lostReply() {
    return {.error = absl::UnknownError("injected: the reply was lost"), .when = When::kAfter};
  }
};

// Thread-safe. Calls are counted per operation. When several faults fit one call, a single call's
// goes before the fraction's, and that before the one of all calls.
class FaultPlan {
 public:
  // The same seed makes the same calls fail, as long as they come in the same order. `clock` must
  // outlive the plan.
  explicit FaultPlan(std::uint64_t seed = 1, const Clock& clock = Clock::system());

  // The nth call from now; the next one is the first.
  void failCall(StoreOperation operation, int n, Fault fault = {});
  // Until healed, about this share (0 to 1) of the calls.
  void failFraction(StoreOperation operation, double fraction, Fault fault = {});
  // Until healed.
  void failAll(StoreOperation operation, Fault fault = {});
  // Every operation, until healed: the store below is down.
  void failEverything(Fault fault = {});
  // Until healed, each call first sleeps so long on the clock.
  void delayAll(StoreOperation operation, absl::Duration delay);
  // Takes back all of the above, for every operation. Hooks and counts stay.
  void heal();

  // Runs in the calling thread of every call: `before` when it has arrived, whether or not it will
  // fail, `after` when the store below has executed it. May use the store and the plan. Null: none.
  using Hook = std::function<void()>;
  void before(StoreOperation operation, Hook hook);
  void after(StoreOperation operation, Hook hook);

  // Since the beginning, failed ones included.
  int calls(StoreOperation operation) const;
  int failures(StoreOperation operation) const;

  // For decorators: `enter` when a call arrives; it tells the call's fault, if any. Then `leave`,
  // unless the fault is kBefore.
  std::optional<Fault> enter(StoreOperation operation);
  void leave(StoreOperation operation);

 private:
  struct Behaviour {
    std::map<int, Fault> by_call;
    double fraction = 0;
    Fault fraction_fault;
    std::optional<Fault> all;
    absl::Duration delay;
    Hook before;
    Hook after;
    int calls = 0;
    int failures = 0;
  };

  Behaviour& of(StoreOperation operation) {
    return behaviours_[static_cast<std::size_t>(operation)];
  }
  std::optional<Fault> nextFault(Behaviour& behaviour);

  const Clock& clock_;
  mutable std::mutex mutex_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mutex_);
  std::array<Behaviour, kStoreOperations> behaviours_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::testing
