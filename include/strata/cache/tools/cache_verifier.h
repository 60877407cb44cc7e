// verifyCache: does what is cached agree with the database? Looks at a random sample of the cached
// copies of one type and counts those that do not.
//
//   VerifyReport report = verifyCache<FeatureFlag>(*backends.cache, "shop", *flags);
//   if (report.stale > 0) page(report.stale_keys);
//
// A copy that differs is not yet stale: a writer may have committed just now, and be about to
// delete it. So it counts only if the very same cell is still there after `grace`, and the database
// still says the same.
//
// It reads, and changes nothing. Not for: repairing (CacheAdmin does), or near caches in process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"
#include "strata/cache/cache.h"
#include "strata/records/entity.h"
#include "strata/records/json_codec.h"
#include "strata/store/internal/staged_read.h"
#include "strata/store/options.h"
#include "strata/store/store.h"

namespace strata {

struct VerifyOptions {
  // How many cells to look at, at least 1: each has the same chance to be among them.
  std::size_t sample_size = 1000;
  // Of the choice; the same seed on the same keys chooses the same. None: a random one.
  std::optional<std::uint64_t> seed = std::nullopt;
  // How long a writer may take from its commit to its delete.
  absl::Duration grace = absl::Seconds(1);
  // How many ids the database is asked for at once, 1 to 10 000.
  std::size_t batch_size = 100;
  Deadline deadline = {};
  // Of a domain store: DomainConfig::schema.
  std::string schema = {};
};

struct VerifyReport {
  // How many keys were chosen. Each is one of the following.
  std::size_t sampled = 0;
  // The database says the same.
  std::size_t fresh = 0;
  // It says something else. Either the cache missed a deletion, or somebody wrote past the stores.
  std::size_t stale = 0;
  // Changed, expired or deleted while it was looked at, or no copy but a reader's lease.
  std::size_t gone = 0;
  // No reader of the store uses it: no cell, one of another incarnation of the server, of an older
  // epoch, of another database, or of another version of the type. It will be replaced.
  std::size_t unreadable = 0;
  // The key is so long that it ends in a hash of its id.
  std::size_t not_verifiable = 0;
  // The database did not answer for it.
  std::size_t unanswered = 0;

  // The first ten of those that are stale.
  std::vector<std::string> stale_keys;
  // What was used.
  std::uint64_t seed = 0;
  // Ok, or why nothing, or not all of the sample, was looked at: errors of Cache::scan and getMany;
  // InvalidArgument for an option out of its range.
  absl::Status status;
};

namespace internal {

// What the verifier has to know of a type.
struct VerifiedType {
  const EntityInfo& entity;
  // What the database holds, encoded; none: nothing.
  absl::FunctionRef<std::vector<absl::StatusOr<std::optional<std::string>>>(
      absl::Span<const Id> ids)>
      read;
  // A payload as this binary would encode it.
  absl::FunctionRef<absl::StatusOr<std::string>(std::string_view payload)> recode;
  // A read of the store that is never made: it names the readers whose copies count. Null: all do.
  StagedRead* reader;
};

VerifyReport verifyCells(Cache& cache, std::string_view app, const VerifiedType& type,
                         const VerifyOptions& options, const Clock& clock);

}  // namespace internal

// `database` is read with kLatest. Give it the store that stands over `cache`, whose readers decide
// which cells count. Of a store without a cache they are not known: then cells of an older epoch
// count as well, and so do those of services with databases of their own that share `app`.
template <EntityType T>
VerifyReport verifyCache(Cache& cache, std::string_view app, Store<T>& database,
                         const VerifyOptions& options = {}, const Clock& clock = Clock::system()) {
  const auto read = [&](absl::Span<const Id> ids) {
    std::vector<absl::StatusOr<std::optional<std::string>>> answers;
    for (const auto& found : database.getMany(
             ids, {.deadline = options.deadline, .consistency = Consistency::kLatest})) {
      if (!found.ok()) {
        answers.push_back(found.status());
      } else {
        answers.push_back(*found == nullptr ? std::nullopt : std::optional(encodeJson(**found)));
      }
    }
    return answers;
  };
  const auto recode = [](std::string_view payload) -> absl::StatusOr<std::string> {
    absl::StatusOr<T> value = decodeJson<T>(payload);
    if (!value.ok()) return value.status();
    return encodeJson(*value);
  };
  const Id any_id("any");
  const ReadOptions read_options;
  const auto reader = database.stagedGet(any_id, read_options).read;
  return internal::verifyCells(cache, app, {entityInfo<T>(), read, recode, reader.get()}, options,
                               clock);
}

}  // namespace strata
