#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <typeindex>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "src/memory/commit_gate.h"
#include "src/memory/database_lock.h"
#include "src/memory/in_memory_table.h"
#include "strata/memory/in_memory_database.h"
#include "strata/records/entity.h"
#include "strata/store/version.h"

namespace strata::internal {

// What an InMemoryDatabase holds. Thread-safe.
class InMemoryTables {
 public:
  explicit InMemoryTables(InMemoryDatabase& database) : database_(database) {}

  // The table of an entity, made by the first who asks for it.
  // FailedPrecondition: a table of its name holds values of another type.
  // InvalidArgument: `checkEntity` refuses the entity.
  absl::StatusOr<InMemoryTable*> table(const EntityInfo& entity);

  // The one D of a schema of this database, for data that is not rows under ids; made by the first
  // call that asks for it.
  // Read it with `lock()` shared, change it in an InMemoryTransaction that has called `lockData`.
  template <typename D>
  D& data(const std::string& schema = {}) {
    const std::lock_guard lock(mutex_);
    std::shared_ptr<void>& data = data_[{std::type_index(typeid(D)), schema}];
    if (data == nullptr) data = std::make_shared<D>();
    return *static_cast<D*>(data.get());
  }

  // What units of work wait for.
  DatabaseLock& lock() { return lock_; }

  // Through which units commit.
  CommitGate& gate() { return gate_; }

  // Newer than every version before it, over all tables.
  Version nextVersion() { return Version(last_version_.fetch_add(1) + 1); }

 private:
  InMemoryDatabase& database_;
  std::atomic<std::int64_t> last_version_{0};
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<InMemoryTable>, std::less<>> tables_
      ABSL_GUARDED_BY(mutex_);
  std::map<std::pair<std::type_index, std::string>, std::shared_ptr<void>> data_
      ABSL_GUARDED_BY(mutex_);
  DatabaseLock lock_;
  CommitGate gate_;
};

}  // namespace strata::internal
