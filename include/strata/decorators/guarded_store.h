// GuardedStore<T>: protects a database from its callers, and them from it.
//
//   auto bulkhead = Bulkhead::create({.max_concurrent = 16});
//   auto flags = GuardedStore<Flag>::create(std::move(database_store), *bulkhead,
//                                           {.store = "flags"});
//
// Every call has a deadline, reads are tried again when the database was not there, and no more
// calls go on at once than the bulkhead has places. docs/guarding.md has the
// picture. It stands right above the store that does the I/O.
// A call that names a unit of work goes straight through: the unit has its place already, and half
// of a transaction cannot be tried again.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/base/clock.h"
#include "strata/base/metrics.h"
#include "strata/decorators/bulkhead.h"
#include "strata/store/internal/any_record.h"
#include "strata/store/store.h"

namespace strata {

struct GuardOptions {
  // The name of the store in metrics and errors.
  std::string store;
  // The time limit of a call without a deadline, up to an hour; zero: no limit.
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

namespace internal {
absl::StatusOr<std::unique_ptr<AnyStore>> createGuardedRecords(std::unique_ptr<AnyStore> backing,
                                                               std::shared_ptr<Bulkhead> bulkhead,
                                                               GuardOptions options,
                                                               std::shared_ptr<Metrics> metrics,
                                                               const Clock& clock);
}  // namespace internal

// Errors beyond those of the backing store:
//   ResourceExhausted   the bulkhead is full, and nothing was sent
//   DeadlineExceeded    also when the time ran out before anything was sent
template <typename T>
class GuardedStore final : public internal::TypedStore<T> {
 public:
  // Stores of one database share its bulkhead; null: there is none. InvalidArgument: an option is
  // out of its range. `clock` must outlive the store.
  static absl::StatusOr<std::unique_ptr<GuardedStore>> create(
      std::unique_ptr<Store<T>> backing, std::shared_ptr<Bulkhead> bulkhead, GuardOptions options,
      std::shared_ptr<Metrics> metrics = Metrics::none(), const Clock& clock = Clock::system()) {
    auto records =
        internal::createGuardedRecords(internal::eraseType(std::move(backing)), std::move(bulkhead),
                                       std::move(options), std::move(metrics), clock);
    if (!records.ok()) return records.status();
    return std::unique_ptr<GuardedStore>(new GuardedStore(*std::move(records)));
  }

 private:
  explicit GuardedStore(std::unique_ptr<internal::AnyStore> records)
      : internal::TypedStore<T>(std::move(records)) {}
};

}  // namespace strata
