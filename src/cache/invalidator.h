// Invalidator: deletes the cached copies of records after writes, at the moment and as often as the
// outcome of the write asks for.
//
// A CachingStore has one for the writes that go through it. A store whose writes do not go through
// a CachingStore, since they change many tables at once, uses one by itself.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "strata/base/metrics.h"
#include "strata/cache/cache.h"
#include "strata/records/entity.h"
#include "strata/store/unit_of_work.h"

namespace strata {
class GuardedCache;
}  // namespace strata

namespace strata::internal {

// Thread-safe. Copying shares.
class Invalidator {
 public:
  // `store` is the name in metrics, `app` the first part of every key.
  Invalidator(std::shared_ptr<GuardedCache> cache, const EntityInfo& entity,
              const std::string& store, const std::string& app, std::shared_ptr<Metrics> metrics);

  // To be called after a write of these ids that ended so, and before its caller is answered. The
  // cached copies are gone then, or this process reads past them until they are. Where nobody knows
  // whether the write took place, or will, they go again and again for half a minute, and this
  // process reads past them until then. A write of a unit of work is of no account before the unit
  // is committed, and then all this happens.
  void after(const absl::Status& written, absl::Span<const Id> ids, UnitOfWork* unit = nullptr);

  // The same for the records of several entities that have the id `id`: one round trip to each
  // cache. Ok, or why a cache did not delete them: they are pending then, all that were asked of
  // that cache, and are deleted in the background. Ok also where nothing is deleted yet because
  // `unit` is not committed.
  static absl::Status afterAll(const absl::Status& written, absl::Span<const Invalidator> entities,
                               const Id& id, UnitOfWork* unit = nullptr);

 private:
  struct Core;
  struct Copy;

  static bool isOfNoAccount(const absl::Status& written, const UnitOfWork* unit);
  static absl::Status deleteAll(const absl::Status& written, std::vector<Copy>& copies);
  static absl::Status deleteFromOne(const absl::Status& written, absl::Span<const Copy> copies);
  std::shared_ptr<Core> core_;
};

}  // namespace strata::internal
