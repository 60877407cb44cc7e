#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "src/memory/database_lock.h"
#include "strata/base/clock.h"
#include "strata/memory/in_memory_database.h"
#include "strata/records/entity.h"
#include "strata/records/id.h"
#include "strata/store/options.h"
#include "strata/store/unit_of_work.h"
#include "strata/store/version.h"

namespace strata::internal {

class InMemoryTransaction;

// One table, of values whose type it does not know. It checks what it is given as every store does.
//
// Thread-safe. The ids are spread over shards, each with a mutex of its own that is held for a
// look-up or a pointer's exchange and never while a value is copied or destroyed. The row of an id,
// present or absent, can be locked by a unit of work until its end: other writers wait for that.
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

  absl::StatusOr<Row> get(const Id& id, const ReadOptions& options, const Clock& clock);
  // All as they were at one moment.
  std::vector<absl::StatusOr<Row>> getMany(absl::Span<const Id> ids, const ReadOptions& options,
                                           const Clock& clock);
  // Of a value and an id that `checkRecord` takes.
  absl::StatusOr<Version> put(const Id& id, std::shared_ptr<const void> value,
                              const WriteOptions& options, const Clock& clock);
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options, const Clock& clock);

 private:
  friend class InMemoryTransaction;
  struct Shard;
  static constexpr std::size_t kShards = 64;  // a power of two

  Shard& shardOf(std::string_view id) const;
  // What every read of an id checks first, and locks where that is asked for.
  absl::Status beginRead(const Id& id, const ReadOptions& options, const Clock& clock);
  // What is committed.
  Row find(const std::string& id) const;
  std::vector<Row> findMany(absl::Span<const Id> ids) const;
  // `committed`, or what the unit wrote instead; the unit remembers what it read.
  absl::StatusOr<Row> noteRead(UnitOfWork& unit, const Id& id, Row committed) const;
  // Writes a row, by itself or as part of a unit of work. A null value is no row.
  absl::StatusOr<Version> write(const Id& id, Row row, const WriteOptions& options,
                                const Clock& clock);
  absl::StatusOr<Version> writeIn(UnitOfWork& unit, const Id& id, Row row, Deadline deadline,
                                  const Clock& clock);
  // Waits for other units that hold the row. An error makes the unit fail.
  absl::Status lock(UnitOfWork& unit, InMemoryTransaction& transaction, const Id& id,
                    Deadline deadline, const Clock& clock);
  void unlock(const std::string& id);
  // Writes it under its canonical id; its value is the one before then. Sets its version to the next
  // one unless it has one. Answers kNoUnit, or another unit than `by` that has locked the row:
  // nothing was written.
  DatabaseLock::Unit exchange(const std::string& id, Row& row, DatabaseLock::Unit by);

  InMemoryDatabase& database_;
  const EntityInfo& entity_;
  const std::unique_ptr<std::array<Shard, kShards>> shards_;
};

}  // namespace strata::internal
