// InMemoryStore<T>: a store in the memory of this process. The reference implementation, and what
// an application gets that configures no database.
//
//   auto flags = InMemoryStore<FeatureFlag>::create();
//
// It accepts and refuses what a PostgresStore does, and answers with the very object that was put:
// `get` copies a pointer, never a value.
#pragma once

#include <memory>
#include <utility>

#include "strata/memory/in_memory_database.h"
#include "strata/records/entity.h"
#include "strata/store/store.h"

namespace strata {

template <EntityType T>
class InMemoryStore final : public Store<T> {
 public:
  // `clock` is what deadlines are measured on; it must outlive the store.
  // FailedPrecondition: the table of T's name holds values of another type.
  // InvalidArgument: a key column of Entity<T> is no member of T, or of a type that cannot be one.
  static absl::StatusOr<std::unique_ptr<InMemoryStore>> create(
      std::shared_ptr<InMemoryDatabase> database = InMemoryDatabase::shared(),
      const Clock& clock = Clock::system());

  absl::StatusOr<Snapshot<T>> get(const Id& id, const ReadOptions& options = {}) override;
  Snapshots<T> getMany(absl::Span<const Id> ids, const ReadOptions& options = {}) override;
  absl::StatusOr<Version> put(const T& item, const WriteOptions& options = {}) override;
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options = {}) override;
  Health healthCheck() override { return {.component = "store", .backend = "in-memory"}; }

 private:
  InMemoryStore(std::shared_ptr<InMemoryDatabase> database, InMemoryTable& table,
                const Clock& clock)
      : database_(std::move(database)), table_(table), clock_(clock) {}

  const std::shared_ptr<InMemoryDatabase> database_;
  InMemoryTable& table_;
  const Clock& clock_;
};

template <EntityType T>
absl::StatusOr<std::unique_ptr<InMemoryStore<T>>> InMemoryStore<T>::create(
    std::shared_ptr<InMemoryDatabase> database, const Clock& clock) {
  absl::StatusOr<InMemoryTable*> table = database->table(entityInfo<T>());
  if (!table.ok()) return table.status();
  return std::unique_ptr<InMemoryStore>(new InMemoryStore(std::move(database), **table, clock));
}

template <EntityType T>
absl::StatusOr<Snapshot<T>> InMemoryStore<T>::get(const Id& id, const ReadOptions& options) {
  absl::StatusOr<InMemoryTable::Row> row = table_.get(id, options, clock_);
  if (!row.ok()) return row.status();
  return Snapshot<T>(std::static_pointer_cast<const T>(std::move(row->value)), row->version);
}

template <EntityType T>
Snapshots<T> InMemoryStore<T>::getMany(absl::Span<const Id> ids, const ReadOptions& options) {
  Snapshots<T> answers;
  answers.reserve(ids.size());
  for (const Id& id : ids) answers.push_back(get(id, options));
  return answers;
}

template <EntityType T>
absl::StatusOr<Version> InMemoryStore<T>::put(const T& item, const WriteOptions& options) {
  const Id id = idOf(item);
  absl::Status status = checkRecord(table_.entity(), id, &item);
  if (!status.ok()) return status;
  return table_.put(id, std::make_shared<const T>(item), options, clock_);
}

template <EntityType T>
absl::StatusOr<Version> InMemoryStore<T>::remove(const Id& id, const WriteOptions& options) {
  return table_.remove(id, options, clock_);
}

}  // namespace strata
