#include "src/memory/in_memory_table.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <shared_mutex>
#include <utility>

#include "absl/hash/hash.h"
#include "src/memory/in_memory_tables.h"
#include "src/memory/in_memory_transaction.h"

namespace strata::internal {
namespace {

absl::Status checkDeadline(Deadline deadline, const Clock& clock) {
  if (!deadline.hasPassed(clock)) return absl::OkStatus();
  return absl::DeadlineExceededError("the deadline had passed before the call; nothing was done");
}

}  // namespace

// Padded, so that two cores that lock different shards do not fight over one cache line.
struct alignas(64) InMemoryTable::Shard {
  mutable std::shared_mutex mutex;
  boost::unordered_flat_map<std::string, Row, absl::Hash<std::string>> rows ABSL_GUARDED_BY(mutex);
};

InMemoryTable::InMemoryTable(InMemoryDatabase& database, const EntityInfo& entity)
    : database_(database),
      entity_(entity),
      shards_(std::make_unique<std::array<Shard, kShards>>()) {}

InMemoryTable::~InMemoryTable() = default;

InMemoryTable::Shard& InMemoryTable::shardOf(std::string_view id) const {
  // The middle bits: the map itself uses those at both ends.
  return (*shards_)[(absl::Hash<std::string_view>()(id) >> 24) % kShards];
}

absl::StatusOr<InMemoryTable::Row> InMemoryTable::get(const Id& id, const ReadOptions& options,
                                                      const Clock& clock) const {
  if (absl::Status status = id.check(); !status.ok()) return status;
  if (absl::Status status = checkDeadline(options.deadline, clock); !status.ok()) return status;
  if (options.unit != nullptr) {
    auto transaction = InMemoryTransaction::of(*options.unit, database_);
    if (!transaction.ok()) return transaction.status();
    if (const Row* written = (*transaction)->written(*this, id)) return *written;
  }
  {
    const Shard& shard = shardOf(id.canonical());
    const std::shared_lock lock(shard.mutex);
    const auto found = shard.rows.find(id.canonical());
    if (found != shard.rows.end()) return found->second;
  }
  // Only now: an id that names a row has been checked by the put of it.
  if (absl::Status status = checkId(entity_, id); !status.ok()) return status;
  return Row{};
}

absl::StatusOr<Version> InMemoryTable::put(const Id& id, std::shared_ptr<const void> value,
                                           const WriteOptions& options, const Clock& clock) {
  return write(id, {.value = std::move(value), .version = {}}, options, clock);
}

absl::StatusOr<Version> InMemoryTable::remove(const Id& id, const WriteOptions& options,
                                              const Clock& clock) {
  if (absl::Status status = checkId(entity_, id); !status.ok()) return status;
  return write(id, {}, options, clock);
}

absl::StatusOr<Version> InMemoryTable::write(const Id& id, Row row, const WriteOptions& options,
                                             const Clock& clock) {
  if (absl::Status status = checkDeadline(options.deadline, clock); !status.ok()) return status;
  if (options.unit != nullptr) {
    auto transaction = InMemoryTransaction::of(*options.unit, database_);
    if (!transaction.ok()) return transaction.status();
    row.version = database_.tables().nextVersion();
    const Version version = row.version;
    (*transaction)->write(*this, id, std::move(row));
    return version;
  }
  absl::Status locked = database_.tables().lock().lockShared(options.deadline, clock);
  if (!locked.ok()) return locked;
  const Version version = exchange(id.canonical(), std::move(row));
  database_.tables().lock().unlockShared();
  return version;
}

Version InMemoryTable::exchange(const std::string& id, Row row) {
  Row replaced;  // out of the lock, to be destroyed there
  Shard& shard = shardOf(id);
  const std::lock_guard lock(shard.mutex);
  // Taken with the lock, so that the versions of an id grow in the order of its writes.
  if (row.version == Version{}) row.version = database_.tables().nextVersion();
  const Version version = row.version;
  const auto found = shard.rows.find(id);
  if (found != shard.rows.end()) replaced = std::move(found->second);
  if (row.value != nullptr) {
    shard.rows.insert_or_assign(id, std::move(row));
  } else if (found != shard.rows.end()) {
    shard.rows.erase(found);
  }
  return version;
}

}  // namespace strata::internal
