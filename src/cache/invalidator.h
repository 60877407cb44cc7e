// Invalidator: deletes the cached copies of records after writes, at the moment and as often as the
// outcome of the write asks for.
//
// A CachingStore has one for the writes that go through it. A store whose writes do not go through
// a CachingStore, since they change many tables at once, uses one by itself.
#pragma once

#include <memory>
#include <string>

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

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace strata::internal
