#include "strata/adapters/memory/in_memory_database.h"

#include <fmt/core.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <shared_mutex>
#include <utility>

#include "absl/hash/hash.h"

namespace strata {
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

InMemoryTable::Shard& InMemoryTable::shardOf(const Id& id) const {
  // The middle bits: the map itself uses those at both ends.
  return (*shards_)[(absl::Hash<std::string>()(id.canonical()) >> 24) % kShards];
}

absl::StatusOr<InMemoryTable::Row> InMemoryTable::get(const Id& id, Deadline deadline,
                                                      const Clock& clock) const {
  if (absl::Status status = id.check(); !status.ok()) return status;
  if (absl::Status status = checkDeadline(deadline, clock); !status.ok()) return status;
  {
    const Shard& shard = shardOf(id);
    const std::shared_lock lock(shard.mutex);
    const auto found = shard.rows.find(id.canonical());
    if (found != shard.rows.end()) return found->second;
  }
  // Only now: an id that names a row has been checked by the put of it.
  if (absl::Status status = checkId(entity_, id); !status.ok()) return status;
  return Row{};
}

absl::StatusOr<Version> InMemoryTable::put(const Id& id, std::shared_ptr<const void> value,
                                           Deadline deadline, const Clock& clock) {
  if (absl::Status status = checkDeadline(deadline, clock); !status.ok()) return status;
  // Takes what it replaces out of the lock, to be destroyed there.
  Row row{.value = std::move(value), .version = {}};
  Shard& shard = shardOf(id);
  const std::lock_guard lock(shard.mutex);
  // Taken with the lock, so that the versions of an id grow in the order of its writes.
  const Version version = row.version = database_.nextVersion();
  std::swap(shard.rows[id.canonical()], row);
  return version;
}

absl::StatusOr<Version> InMemoryTable::remove(const Id& id, Deadline deadline, const Clock& clock) {
  if (absl::Status status = checkId(entity_, id); !status.ok()) return status;
  if (absl::Status status = checkDeadline(deadline, clock); !status.ok()) return status;
  Row removed;
  Shard& shard = shardOf(id);
  const std::lock_guard lock(shard.mutex);
  if (const auto found = shard.rows.find(id.canonical()); found != shard.rows.end()) {
    removed = std::move(found->second);
    shard.rows.erase(found);
  }
  return database_.nextVersion();
}

const std::shared_ptr<InMemoryDatabase>& InMemoryDatabase::shared() {
  static const auto* const database =
      new std::shared_ptr<InMemoryDatabase>(std::make_shared<InMemoryDatabase>());
  return *database;
}

absl::StatusOr<InMemoryTable*> InMemoryDatabase::table(const EntityInfo& entity) {
  if (absl::Status status = checkEntity(entity); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  auto found = tables_.find(entity.table);
  if (found == tables_.end()) {
    found = tables_.emplace(entity.table, std::make_unique<InMemoryTable>(*this, entity)).first;
  }
  if (&found->second->entity() == &entity) return found->second.get();
  return absl::FailedPreconditionError(
      fmt::format("the in-memory table {} holds records of another type", entity.table));
}

}  // namespace strata
