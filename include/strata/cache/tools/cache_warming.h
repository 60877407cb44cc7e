// warm: fills a cache before the callers come, by reading through the store that stands over it.
//
//   WarmReport report = warm(*flags, ids);
//   WarmReport report = warm(*flags, idsFromQuery(pool, "SELECT name FROM feature_flags"));
//
// It reads as any caller does, so the fills are fenced: warming while others write never leaves an
// old value behind. What is cached already costs a look and no query.
//
// Not for: keeping a cache warm. What is not read again expires with its time to live.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"
#include "strata/base/executor.h"
#include "strata/records/id.h"
#include "strata/store/store.h"

namespace strata {

// The next ids of many; empty: that was all. Called by one thread, without a lock: it may block, and
// call stores. An error ends the warming, and so does an exception (Internal).
using IdSource = std::function<absl::StatusOr<std::vector<Id>>()>;

struct WarmReport {
  // Ids that the store was asked for. Each is one of the following.
  std::size_t asked = 0;
  // Found. Whether it could be cached is another matter: with the cache down nothing is.
  std::size_t present = 0;
  std::size_t absent = 0;
  // The store answered with an error.
  std::size_t failed = 0;
  absl::Duration took;
  // Ok: every id was asked for. Otherwise the source's error, or DeadlineExceeded, after which no
  // more were; InvalidArgument for an option out of its range. Errors of the store are counted, and
  // no reason to stop.
  absl::Status status;
  // The first error of the store, for a log.
  absl::Status first_failure;
};

struct WarmOptions {
  // How many ids go into one call of the store, 1 to 10 000.
  std::size_t batch_size = 256;
  // How many calls go on at once, 1 to 64: the calling thread's, and the others on the executor, if
  // it gets to them.
  std::size_t max_concurrent = 2;
  // Of the whole operation, and of every call in it.
  Deadline deadline = {};
  // Told after every batch, by the calling thread, without a lock: it may block. An exception ends
  // the warming (Internal).
  std::function<void(const WarmReport&)> progress = nullptr;
  std::shared_ptr<Executor> executor = Executor::shared();
};

namespace internal {

// Reads these ids and counts them.
using WarmLoad = std::function<WarmReport(absl::Span<const Id> ids)>;

WarmReport warmAll(const IdSource& ids, WarmLoad load, const WarmOptions& options,
                   const Clock& clock);
// The ids in slices.
IdSource slicesOf(absl::Span<const Id> ids, std::size_t size);

}  // namespace internal

// Asks for ids as the source tells them; holds no more of them than one page of the source and
// `max_concurrent` batches. Blocks until it is done.
template <typename T>
WarmReport warm(Store<T>& store, const IdSource& ids, const WarmOptions& options = {},
                const Clock& clock = Clock::system()) {
  const auto load = [&store, deadline = options.deadline](absl::Span<const Id> batch) {
    WarmReport counts;
    counts.asked = batch.size();
    for (const auto& found : store.getMany(batch, {.deadline = deadline})) {
      if (!found.ok()) {
        ++counts.failed;
        counts.first_failure.Update(found.status());
      } else {
        ++(*found == nullptr ? counts.absent : counts.present);
      }
    }
    return counts;
  };
  return internal::warmAll(ids, load, options, clock);
}

// The same for a list.
template <typename T>
WarmReport warm(Store<T>& store, absl::Span<const Id> ids, const WarmOptions& options = {},
                const Clock& clock = Clock::system()) {
  return warm(store, internal::slicesOf(ids, options.batch_size), options, clock);
}

}  // namespace strata
