// CoalescingStore<T>: concurrent reads share calls of the backing store.
//
//   auto flags = CoalescingStore<Flag>::create(std::move(database_store), {.store = "flags"});
//
// Callers of one id get one read and the same snapshot; callers of different ids get one getMany.
// Every answer was read after its caller asked, so nothing is less fresh than without it. A lone
// caller is passed through. docs/coalescing.md has the picture.
//
// It stands below a cache, so that a hit never waits, and above what protects the database, so that
// a crowd takes one place there. Not for: a store that answers in less time than a thread needs to
// wait for another (the in-memory one).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/base/clock.h"
#include "strata/base/metrics.h"
#include "strata/store/internal/any_record.h"
#include "strata/store/store.h"

namespace strata {

struct CoalescingOptions {
  // The name of the store in metrics.
  std::string store;
  // How many ids one call of the store below asks for, 1 to 10 000. A getMany of more by one caller
  // is not cut.
  std::size_t max_batch = 256;
  // How many calls of the store below there are at once, 1 to 1 000: with one, a slow id would hold
  // up all others. A few callers of different ids do not wait for each other below this.
  std::size_t max_concurrent_batches = 4;
  // How long, at most, a crowd gathers behind a call that is for several callers before another one
  // is sent beside it; up to 1 s. Zero sends at once what `max_concurrent_batches` allows, which
  // made 57 to 212 calls of 1 000 concurrent ids where this makes 8 to 40.
  absl::Duration max_gathering = absl::Milliseconds(2);
};

// Ok, or InvalidArgument that names the option that is out of its range.
absl::Status validate(const CoalescingOptions& options);

namespace internal {
absl::StatusOr<std::unique_ptr<AnyStore>> createCoalescingRecords(std::unique_ptr<AnyStore> backing,
                                                                  CoalescingOptions options,
                                                                  std::shared_ptr<Metrics> metrics,
                                                                  const Clock& clock);
}  // namespace internal

// Its errors are those of the backing store, for all callers that shared the read. A read that
// names a unit of work is shared with no other caller; writes are passed straight through.
template <typename T>
class CoalescingStore final : public internal::TypedStore<T> {
 public:
  // InvalidArgument: an option is out of its range. `clock` must outlive the store.
  static absl::StatusOr<std::unique_ptr<CoalescingStore>> create(
      std::unique_ptr<Store<T>> backing, CoalescingOptions options,
      std::shared_ptr<Metrics> metrics = Metrics::none(), const Clock& clock = Clock::system()) {
    auto records = internal::createCoalescingRecords(internal::eraseType(std::move(backing)),
                                                     std::move(options), std::move(metrics), clock);
    if (!records.ok()) return records.status();
    return std::unique_ptr<CoalescingStore>(new CoalescingStore(*std::move(records)));
  }

 private:
  explicit CoalescingStore(std::unique_ptr<internal::AnyStore> records)
      : internal::TypedStore<T>(std::move(records)) {}
};

}  // namespace strata
