// Guard: the decisions of a GuardedStore, over attempts: how long a call may take, whether it gets
// a place in the bulkhead, and whether it is tried again; nothing of what is asked.
//
//   deadline   the caller's, or `timeout` from now; once it has passed nothing is sent
//   bulkhead   every attempt takes a place for itself, and has none while it waits for the next
//   retry      of a read that failed with Unavailable; of a write only where the error says that
//              nothing happened (`mayHaveHappened`) and that it may be otherwise soon
//              (ResourceExhausted), since a second put over somebody else's would undo it. Before
//              each retry a random part of 20 ms, 40 ms, … ("full jitter", which spreads those who
//              failed together over the whole time), never past the deadline.
//
// What the bulkhead refuses is not tried again: there is too much already.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"
#include "strata/base/metrics.h"
#include "strata/decorators/bulkhead.h"
#include "strata/decorators/guarded_store.h"

namespace strata::internal {

// Thread-safe.
class Guard {
 public:
  enum class Operation : std::uint8_t { kGet, kGetMany, kPut, kRemove };
  // Asks the store below until `deadline`, and says how it went.
  using Attempt = absl::FunctionRef<absl::Status(Deadline deadline)>;

  // Without a bulkhead as many calls go on at once as come. InvalidArgument: as from `validate`.
  // `clock` must outlive the guard.
  static absl::StatusOr<std::unique_ptr<Guard>> create(
      std::shared_ptr<Bulkhead> bulkhead, GuardOptions options,
      std::shared_ptr<Metrics> metrics = Metrics::none(), const Clock& clock = Clock::system());
  ~Guard();

  // Ok: there was an attempt, and what the last one answered stands, an error too. Otherwise there
  // was none. ResourceExhausted: the bulkhead refused. DeadlineExceeded: time was over before.
  absl::Status run(Operation operation, Deadline deadline, Attempt attempt);

 private:
  struct Core;

  explicit Guard(std::unique_ptr<Core> core);

  const std::unique_ptr<Core> core_;
};

}  // namespace strata::internal
