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

namespace strata {

struct GuardOptions {
  // The name of the store in metrics and errors.
  std::string store;
  // How long a call may take whose caller brings no deadline, up to an hour; zero: for ever.
  absl::Duration timeout = absl::Seconds(5);
  // How often a call is tried in all, 1 to 10.
  int attempts = 3;
  // The longest pause before the second attempt; it doubles before each further one up to
  // `max_backoff`. Zero to `max_backoff`, and that at most a minute.
  absl::Duration first_backoff = absl::Milliseconds(20);
  absl::Duration max_backoff = absl::Milliseconds(500);
  // Of the jitter, for a simulation that is to repeat itself. None: different each time.
  std::optional<std::uint32_t> seed;
};

// Ok, or InvalidArgument that names the option that is out of its range.
absl::Status validate(const GuardOptions& options);

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

}  // namespace strata
