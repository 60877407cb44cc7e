#include "src/memory/in_memory_table.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <set>
#include <shared_mutex>
#include <utility>

#include "src/memory/in_memory_tables.h"
#include "src/memory/in_memory_transaction.h"
#include "strata/base/internal/seeded_hash.h"

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
  boost::unordered_flat_map<std::string, Row, SeededHash> rows ABSL_GUARDED_BY(mutex);
  // The rows that a unit of work has locked.
  boost::unordered_flat_map<std::string, DatabaseLock::Unit, SeededHash> locked
      ABSL_GUARDED_BY(mutex);
};

InMemoryTable::InMemoryTable(InMemoryDatabase& database, const EntityInfo& entity)
    : database_(database),
      entity_(entity),
      shards_(std::make_unique<std::array<Shard, kShards>>()) {}

InMemoryTable::~InMemoryTable() = default;

InMemoryTable::Shard& InMemoryTable::shardOf(std::string_view id) const {
  return (*shards_)[shardOfHash(seededHash(id), kShards)];
}

absl::StatusOr<InMemoryTable::Row> InMemoryTable::get(const Id& id, const ReadOptions& options,
                                                      const Clock& clock) {
  if (absl::Status status = beginRead(id, options, clock); !status.ok()) return status;
  Row row = find(id.canonical());
  if (options.unit != nullptr) return noteRead(*options.unit, id, std::move(row));
  if (row.value != nullptr) return row;
  // Only now: an id that names a row has been checked by the put of it.
  if (absl::Status status = checkId(entity_, id); !status.ok()) return status;
  return row;
}

std::vector<absl::StatusOr<InMemoryTable::Row>> InMemoryTable::getMany(absl::Span<const Id> ids,
                                                                       const ReadOptions& options,
                                                                       const Clock& clock) {
  std::vector<absl::StatusOr<Row>> answers;
  answers.reserve(ids.size());
  for (const Id& id : ids) {
    absl::Status status = beginRead(id, options, clock);
    if (status.ok()) status = checkId(entity_, id);
    answers.push_back(status.ok() ? absl::StatusOr<Row>(Row{}) : status);
  }
  std::vector<Row> rows = findMany(ids);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!answers[i].ok()) continue;
    if (options.unit == nullptr) {
      answers[i] = std::move(rows[i]);
    } else {
      answers[i] = noteRead(*options.unit, ids[i], std::move(rows[i]));
    }
  }
  return answers;
}

absl::Status InMemoryTable::beginRead(const Id& id, const ReadOptions& options,
                                      const Clock& clock) {
  if (!id.check().ok()) return checkId(entity_, id);
  if (absl::Status status = validate(options); !status.ok()) return status;
  if (absl::Status status = checkDeadline(options.deadline, clock); !status.ok()) return status;
  if (options.unit == nullptr) return absl::OkStatus();
  if (absl::Status status = checkId(entity_, id); !status.ok()) return status;
  auto transaction = InMemoryTransaction::of(*options.unit, database_);
  if (!transaction.ok()) return transaction.status();
  if (options.lock != ReadLock::kForUpdate) return absl::OkStatus();
  return lock(*options.unit, **transaction, id, options.deadline, clock);
}

InMemoryTable::Row InMemoryTable::find(const std::string& id) const {
  Row row;
  {
    const Shard& shard = shardOf(id);
    const std::shared_lock lock(shard.mutex);
    const auto found = shard.rows.find(id);
    if (found != shard.rows.end()) row = found->second;
  }
  database_.tables().gate().pass();
  return row;
}

// What one call reads is of one moment: all shards are held while it is read.
std::vector<InMemoryTable::Row> InMemoryTable::findMany(absl::Span<const Id> ids) const {
  std::set<const Shard*> shards;  // in the order of their places, as everyone takes them
  for (const Id& id : ids) shards.insert(&shardOf(id.canonical()));
  std::vector<Row> rows;
  const auto read = [&](const auto& is_whole) {
    std::vector<std::shared_lock<std::shared_mutex>> locks;
    for (const Shard* const shard : shards) locks.emplace_back(shard->mutex);
    if (!is_whole()) return false;
    for (const Id& id : ids) {
      const Shard& shard = shardOf(id.canonical());
      const auto found = shard.rows.find(id.canonical());
      rows.push_back(found == shard.rows.end() ? Row{} : found->second);
    }
    return true;
  };
  CommitGate& gate = database_.tables().gate();
  if (read([&] { return gate.isOpen(); })) return rows;
  gate.betweenCommits([&] { read([] { return true; }); });
  return rows;
}

absl::StatusOr<InMemoryTable::Row> InMemoryTable::noteRead(UnitOfWork& unit, const Id& id,
                                                           Row committed) const {
  const auto transaction = InMemoryTransaction::of(unit, database_);
  if (!transaction.ok()) return transaction.status();
  const Row* const written = (*transaction)->written(*this, id);
  Row row = std::move(committed);
  if (written != nullptr) row = *written;
  absl::Status noted = unit.reads().note(entity_.table, id, {row.value != nullptr, row.version});
  if (!noted.ok()) return noted;
  return row;
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
    return writeIn(*options.unit, id, std::move(row), options.deadline, clock);
  }
  for (;;) {
    const DatabaseLock::Unit holder = exchange(id.canonical(), row, DatabaseLock::kNoUnit);
    if (holder == DatabaseLock::kNoUnit) return row.version;
    absl::Status status =
        database_.tables().lock().awaitEnd(holder, DatabaseLock::kNoUnit, options.deadline, clock);
    if (!status.ok()) return status;
  }
}

absl::StatusOr<Version> InMemoryTable::writeIn(UnitOfWork& unit, const Id& id, Row row,
                                               Deadline deadline, const Clock& clock) {
  auto transaction = InMemoryTransaction::of(unit, database_);
  if (!transaction.ok()) return transaction.status();
  absl::Status status = lock(unit, **transaction, id, deadline, clock);
  if (!status.ok()) return status;
  const UnitReads::Seen* const seen = unit.reads().find(entity_.table, id);
  if (seen != nullptr && (*transaction)->written(*this, id) == nullptr) {
    const Row now = find(id.canonical());
    if (*seen != UnitReads::Seen{now.value != nullptr, now.version}) {
      status = UnitReads::changed(entity_.table);
      unit.fail(status);
      return status;
    }
  }
  row.version = database_.tables().nextVersion();
  const Version version = row.version;
  (*transaction)->write(*this, id, std::move(row));
  return version;
}

absl::Status InMemoryTable::lock(UnitOfWork& unit, InMemoryTransaction& transaction, const Id& id,
                                 Deadline deadline, const Clock& clock) {
  Shard& shard = shardOf(id.canonical());
  for (;;) {
    DatabaseLock::Unit holder = transaction.number();
    {
      const std::lock_guard lock(shard.mutex);
      const auto [at, is_new] = shard.locked.try_emplace(id.canonical(), holder);
      if (is_new) transaction.noteLocked(*this, id);
      holder = at->second;
    }
    if (holder == transaction.number()) return absl::OkStatus();
    absl::Status status =
        database_.tables().lock().awaitEnd(holder, transaction.number(), deadline, clock);
    if (status.ok()) continue;
    unit.fail(status);
    return status;
  }
}

void InMemoryTable::unlock(const std::string& id) {
  Shard& shard = shardOf(id);
  const std::lock_guard lock(shard.mutex);
  shard.locked.erase(id);
}

DatabaseLock::Unit InMemoryTable::exchange(const std::string& id, Row& row, DatabaseLock::Unit by) {
  Shard& shard = shardOf(id);
  const std::lock_guard lock(shard.mutex);
  if (!shard.locked.empty()) {
    const auto holder = shard.locked.find(id);
    if (holder != shard.locked.end() && holder->second != by) return holder->second;
  }
  // Taken with the lock, so that the versions of an id grow in the order of its writes.
  if (row.version == Version{}) row.version = database_.tables().nextVersion();
  const auto found = shard.rows.find(id);
  if (found == shard.rows.end()) {
    if (row.value != nullptr) shard.rows.emplace(id, Row{std::move(row.value), row.version});
    return DatabaseLock::kNoUnit;
  }
  std::swap(found->second.value, row.value);  // destroyed by the caller, without a lock
  found->second.version = row.version;
  if (found->second.value == nullptr) shard.rows.erase(found);
  return DatabaseLock::kNoUnit;
}

}  // namespace strata::internal
