// InMemoryDatabase: tables in the memory of this process, shared by every in-memory store that is
// made from it. What one store writes, another store of the same records reads.
//
// Not for: data that must outlive the process.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
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
#include "strata/base/clock.h"
#include "strata/memory/internal/database_lock.h"
#include "strata/records/entity.h"
#include "strata/records/id.h"
#include "strata/store/options.h"
#include "strata/store/version.h"

namespace strata {

class InMemoryDatabase;

// One table, of values whose type it does not know. It checks what it is given as every store does.
//
// Thread-safe. The ids are spread over shards, each with a lock of its own that is held for a
// look-up or a pointer's exchange and never while a value is copied or destroyed.
class InMemoryTable {
 public:
  struct Row {
    std::shared_ptr<const void> value;  // null when there is none
    Version version;
  };

  // `database` must outlive the table.
  InMemoryTable(InMemoryDatabase& database, const EntityInfo& entity);
  ~InMemoryTable();

  const EntityInfo& entity() const { return entity_; }

  absl::StatusOr<Row> get(const Id& id, const ReadOptions& options, const Clock& clock) const;
  // Of a value and an id that `checkRecord` takes.
  absl::StatusOr<Version> put(const Id& id, std::shared_ptr<const void> value,
                              const WriteOptions& options, const Clock& clock);
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options, const Clock& clock);

 private:
  friend class InMemoryTransaction;
  struct Shard;
  static constexpr std::size_t kShards = 64;  // a power of two

  Shard& shardOf(std::string_view id) const;
  // Writes a row, by itself or as part of a unit of work. A null value is no row.
  absl::StatusOr<Version> write(const Id& id, Row row, const WriteOptions& options,
                                const Clock& clock);
  // Writes it under its canonical id, with the next version unless it has one.
  Version exchange(const std::string& id, Row row);

  InMemoryDatabase& database_;
  const EntityInfo& entity_;
  const std::unique_ptr<std::array<Shard, kShards>> shards_;
};

// Thread-safe.
class InMemoryDatabase {
 public:
  InMemoryDatabase() = default;

  // The one of this process; lives for ever.
  static const std::shared_ptr<InMemoryDatabase>& shared();

  // The table of an entity, made by the first who asks for it.
  // FailedPrecondition: a table of its name holds values of another type.
  // InvalidArgument: `checkEntity` refuses the entity.
  absl::StatusOr<InMemoryTable*> table(const EntityInfo& entity);

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
  DatabaseLock& lock() { return lock_; }

  // Newer than every version before it, over all tables.
  Version nextVersion() { return Version(last_version_.fetch_add(1) + 1); }

 private:
  std::atomic<std::int64_t> last_version_{0};
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<InMemoryTable>, std::less<>> tables_
      ABSL_GUARDED_BY(mutex_);
  std::map<std::type_index, std::shared_ptr<void>> data_ ABSL_GUARDED_BY(mutex_);
  DatabaseLock lock_;
};

}  // namespace strata
