// CacheAdmin: what an operator does to a cache: drop a key, a record, an entity, an owner, a domain
// or everything of an application.
//
//   CacheAdmin admin(cache, "shop");
//   InvalidationReport report = admin.invalidateOwner(customer_id);
//   if (!report.status.ok()) ...  // some of it may still be there
//
// What an Ok promises: whatever was cached before the call is gone when it returns, and no reader
// that had missed before the call puts its old value back. A lease is a cell under the key too: it
// is found and removed, and the fill that it was for is refused. Readers that miss later read the
// database anew.
//
// It touches caches and nothing else: never `{app}:epoch`, and never a key whose domain is one of
// `reservedDomains()`, which holds what cannot be had again from a database. So no entity of yours
// may use these names.
//
// Not for: a write's own invalidation (the stores do that), or what processes hold in memory.
// docs/operations.md tells when to use what.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "strata/base/clock.h"
#include "strata/base/deadline.h"
#include "strata/base/executor.h"
#include "strata/base/metrics.h"
#include "strata/cache/cache.h"
#include "strata/cache/guarded_cache.h"
#include "strata/records/entity.h"

namespace strata {

struct InvalidationReport {
  // Keys that were looked at. Where the listing had to begin again, each time.
  std::size_t scanned = 0;
  // Keys that were removed. One that was listed twice is counted twice.
  std::size_t removed = 0;
  // Keys that could not be removed, or nobody knows. They are owed: this process reads past them
  // and removes them in the background. Others may go on reading them meanwhile.
  std::size_t failed = 0;
  // Ok: everything is gone. Otherwise do it again:
  //   Unavailable, DeadlineExceeded  the cache did not answer, or time was out
  //   Aborted                        servers or slots kept changing while keys were listed
  //   InvalidArgument                the key or id is none, or not one of a cache of this app
  //   FailedPrecondition             the server does not let itself be listed safely (an ACL)
  absl::Status status;
};

struct InvalidationOptions {
  // Of the whole operation.
  Deadline deadline = {};
  // How many keys are removed by one command, 1 to 10 000.
  std::size_t batch_size = 500;
  // Told after every batch and page, by the calling thread.
  // It may block. What it throws is in the report (Internal), and does not end the removal.
  std::function<void(const InvalidationReport&)> progress = nullptr;
};

// Thread-safe. Copying shares.
class CacheAdmin {
 public:
  // `cache` should be the GuardedCache that the stores use, so that what is owed is known to them;
  // any other gets one around it. `clock` must outlive it.
  CacheAdmin(std::shared_ptr<Cache> cache, std::string app,
             std::shared_ptr<Metrics> metrics = Metrics::none(),
             const Clock& clock = Clock::system(),
             std::shared_ptr<Executor> executor = Executor::shared());

  // One key, by its whole text.
  InvalidationReport invalidateKey(std::string_view key, const InvalidationOptions& options = {});
  // One record.
  template <EntityType T>
  InvalidationReport invalidate(const Id& id, const InvalidationOptions& options = {}) {
    return invalidateRecord(entityInfo<T>().keys, id, options);
  }
  // All records of a type.
  template <EntityType T>
  InvalidationReport invalidateAll(const InvalidationOptions& options = {}) {
    return invalidateEntity(entityInfo<T>().keys, options);
  }
  // Everything, of any type, whose id begins with the segment `owner`, such as all of one customer.
  InvalidationReport invalidateOwner(std::string_view owner,
                                     const InvalidationOptions& options = {});
  // Everything under `{app}:{domain}:`.
  InvalidationReport invalidateDomain(std::string_view domain,
                                      const InvalidationOptions& options = {});
  // Everything of the application.
  InvalidationReport invalidateApp(const InvalidationOptions& options = {});

  // For types that are not known at compile time.
  InvalidationReport invalidateRecord(const KeySpace& keys, const Id& id,
                                      const InvalidationOptions& options = {});
  InvalidationReport invalidateEntity(const KeySpace& keys,
                                      const InvalidationOptions& options = {});

  // "ratelimit" and "events".
  static absl::Span<const std::string_view> reservedDomains();

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace strata
