// InMemoryDatabase: tables in the memory of this process, shared by every in-memory store that is
// made from it. What one store writes, another store of the same records reads.
//
// Not for: data that must outlive the process.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <typeindex>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/memory/internal/database_lock.h"
#include "strata/records/entity.h"
#include "strata/store/version.h"

namespace strata {

namespace internal {
class InMemoryTable;
}  // namespace internal

// Thread-safe.
class InMemoryDatabase {
 public:
  InMemoryDatabase();
  ~InMemoryDatabase();

  // The one of this process; lives for ever.
  static const std::shared_ptr<InMemoryDatabase>& shared();

  // The table of an entity, made by the first who asks for it.
  // FailedPrecondition: a table of its name holds values of another type.
  // InvalidArgument: `checkEntity` refuses the entity.
  absl::StatusOr<internal::InMemoryTable*> table(const EntityInfo& entity);

  // The one D of this database, for data that is not rows under ids; made by the first who asks.
  // Read with `lock()` shared, change it within an InMemoryTransaction.
  template <typename D>
  D& data() {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<void>& data = data_[std::type_index(typeid(D))];
    if (data == nullptr) data = std::make_shared<D>();
    return *static_cast<D*>(data.get());
  }

  // Whoever writes a row of a table shares it, a unit of work excludes all others.
  internal::DatabaseLock& lock() { return lock_; }

  // Newer than every version before it, over all tables.
  Version nextVersion() { return Version(last_version_.fetch_add(1) + 1); }

 private:
  std::atomic<std::int64_t> last_version_{0};
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<internal::InMemoryTable>, std::less<>> tables_
      ABSL_GUARDED_BY(mutex_);
  std::map<std::type_index, std::shared_ptr<void>> data_ ABSL_GUARDED_BY(mutex_);
  internal::DatabaseLock lock_;
};

}  // namespace strata
