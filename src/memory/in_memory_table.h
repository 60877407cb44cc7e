#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "strata/base/clock.h"
#include "strata/memory/in_memory_database.h"
#include "strata/records/entity.h"
#include "strata/records/id.h"
#include "strata/store/options.h"
#include "strata/store/version.h"

namespace strata::internal {

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

}  // namespace strata::internal
