// Flights: the decisions of a CoalescingStore, over ids. Which call asks the store below for an id,
// who goes along, and who waits; nothing of the type that is stored.
//
// A flight is one read of one id that several callers share. Its life:
//
//   waiting   nobody has been sent for it; whoever asks for the id joins it
//   sent      the store below is being asked, as one of a batch; whoever asks now comes too late
//             and opens the next flight, which is sent when this one is back
//   answered  everybody who joined has the same answer, the same object
//
// Joining only what is not sent yet ("join-next") is what keeps reads fresh. An ordinary
// single-flight hands a caller the answer of a command that was sent before the caller came, and so
// possibly before a write that the caller knows of was acknowledged. Here every answer was read
// after its caller arrived, whoever wrote, in this process or in another; so writes have nothing to
// tell to a flight. The price: N callers of one id cost two reads where one is sent already.
//
// There is no thread. Whoever comes first leads: it asks the store below for itself and for the
// flights that wait, oldest first, while the next ones gather behind. A lone caller is on its way
// after one short look under the mutex, with its own call and options. A few callers have a call
// each; once a call is for several, it is a crowd, and those who come gather until it is back.
//
// A leader asks with its own deadline, for it cannot leave a call that it is in. When that deadline
// ends the call, the others of the batch have not been answered: they start over, and one of them
// leads with a deadline of its own. So nobody waits past his deadline and nobody fails before it,
// and there are never more calls than there would be without coalescing. (The latest deadline of
// the batch would keep the leader past its own; the earliest would fail those who have time.)
//
// A batch that is too large for a page (kMaxPageBytes) because several callers are in it is not their
// answer either: they start over, in batches of half as many ids, down to what one caller asks for.
// Each batch that is answered doubles that again.
//
// Calls of different options share a flight and a batch: the store below is asked for the newest
// least version of all, and for kLatest where they name different levels, which suits everybody.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "strata/base/clock.h"
#include "strata/base/metrics.h"
#include "strata/decorators/coalescing_store.h"
#include "strata/records/id.h"
#include "strata/store/options.h"
#include "strata/store/version.h"

namespace strata::internal {

// Thread-safe.
class Flights {
 public:
  // What the store below says of one id: Snapshot<T> for any T.
  struct Answer {
    absl::Status status;
    std::shared_ptr<const void> value;
    Version version;
  };
  // Asks the store below for all of `ids` at once, which are distinct, and gives each its answer.
  // What it throws is the answer to all of them (Internal).
  using Load = absl::FunctionRef<void(absl::Span<const Id> ids, const ReadOptions& options,
                                      absl::Span<Answer> answers)>;

  // InvalidArgument: as from `validate`. `clock` must outlive the flights.
  static absl::StatusOr<std::unique_ptr<Flights>> create(
      CoalescingOptions options, std::shared_ptr<Metrics> metrics = Metrics::none(),
      const Clock& clock = Clock::system());
  // Nobody may be in a call.
  ~Flights();

  // Gives each of `ids`, which must be distinct, its answer. `load` is called by this thread, for
  // these ids and those of others, or not at all when another caller asks for them.
  void read(absl::Span<const Id> ids, const ReadOptions& options, absl::Span<Answer> answers,
            Load load);

 private:
  struct Core;

  explicit Flights(std::unique_ptr<Core> core);

  const std::unique_ptr<Core> core_;
};

}  // namespace strata::internal
