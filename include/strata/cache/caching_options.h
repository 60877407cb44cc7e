// CachingOptions: how a store is cached (docs/caching.md).
#pragma once

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "strata/base/failure_tier.h"
#include "strata/store/options.h"

namespace strata {

struct CachingOptions {
  // The name of the store in metrics and logs.
  std::string store;
  // The first part of every key; see checkApp (key_space.h). Must be set.
  std::string app;
  // An id of the database that the backing store reads: any text, the same in every process that
  // shares its copies. The copies of another are not used. `createStore` sets it.
  std::string database = {};
  // How long a value stays cached; above zero, at most `kMaxTtl`. Each value gets its own within ±
  // ttl_jitter of it, so that what was filled together does not expire together.
  absl::Duration ttl = absl::Seconds(300);
  double ttl_jitter = 0.1;  // 0 to 0.5
  // How long "there is none" stays cached; zero: it is not cached. At most `ttl`.
  absl::Duration negative_ttl = absl::ZeroDuration();
  // How long a reader may take from its miss to its fill.
  absl::Duration lease_ttl = absl::Seconds(3);
  // A value whose encoding is longer is served and not cached; above zero, at most 512 MiB.
  std::size_t max_value_bytes = 1 << 20;
  // An encoding longer than this, up to 64 MiB, is compressed (zstd) where that makes it shorter;
  // zero: none is.
  // Readers understand both, whatever they were told.
  std::size_t compress_above_bytes = 0;
  // How many fills may wait to be sent off the caller's path; zero: a caller sends its own before
  // it returns. What does not fit is not cached. Destroying the store sends those that wait. Where no
  // thread can be started, a caller sends them.
  std::size_t max_queued_fills = 0;
  // How many decoded values a process keeps, to decode none twice; zero: none. At most 1 000 000.
  // For values that take long to decode: the cache is asked all the same (docs/caching.md).
  std::size_t max_decoded = 0;
  // What a failing cache means: kCritical, the caller gets its error; otherwise the store below
  // answers.
  FailureTier failure_tier = FailureTier::kImportant;
  // The level of calls that do not name one. kSession needs a cache with fenced reads.
  Consistency consistency = Consistency::kSession;
};

// Ok, or InvalidArgument that names the option that is out of its range.
absl::Status validate(const CachingOptions& options);

}  // namespace strata
