// PostgresStore<T>: the rows of a table as a Store<T>.
//
//   auto pool = PostgresPool::open({.url = "postgresql://app:secret@db/app"});
//   auto flags = PostgresStore<FeatureFlag>::create(*pool);
//   auto flag = (*flags)->get("checkout-v2");
//
// The table, its columns and its key come from Entity<T>; `createTableSql<T>()` is its DDL. Every
// read is of the newest row, so `consistency` and `min_version` ask for nothing more. A key column
// may be a uuid where T has a std::string: its ids are then uuids in lower case.
// Not for: tables without the column row_version and a unique index on the key.
#pragma once

#include <memory>
#include <utility>

#include "strata/adapters/postgres/internal/postgres_table.h"
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/store/store.h"

namespace strata {

// Thread-safe, as every Store.
template <EntityType T>
class PostgresStore final : public Store<T> {
 public:
  // FailedPrecondition: the table is missing or does not fit T; names what does not.
  static absl::StatusOr<std::unique_ptr<PostgresStore>> create(
      std::shared_ptr<PostgresPool> pool, SchemaPolicy policy = SchemaPolicy::kCreateOrExtend);

  absl::StatusOr<Snapshot<T>> get(const Id& id, const ReadOptions& options = {}) override;
  Snapshots<T> getMany(absl::Span<const Id> ids, const ReadOptions& options = {}) override;
  absl::StatusOr<Version> put(const T& item, const WriteOptions& options = {}) override {
    return table_.put(&item, options);
  }
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options = {}) override {
    return table_.remove(id, options);
  }
  Health healthCheck() override { return table_.healthCheck(); }

 private:
  explicit PostgresStore(PostgresTable table) : table_(std::move(table)) {}

  const PostgresTable table_;
};

template <EntityType T>
absl::StatusOr<std::unique_ptr<PostgresStore<T>>> PostgresStore<T>::create(
    std::shared_ptr<PostgresPool> pool, SchemaPolicy policy) {
  auto table = PostgresTable::open(std::move(pool), entityInfo<T>(), policy);
  if (!table.ok()) return table.status();
  return std::unique_ptr<PostgresStore>(new PostgresStore(*std::move(table)));
}

template <EntityType T>
absl::StatusOr<Snapshot<T>> PostgresStore<T>::get(const Id& id, const ReadOptions& options) {
  auto record = std::make_shared<T>();
  const auto version = table_.get(id, options, record.get());
  if (!version.ok()) return version.status();
  if (!version->has_value()) return nullptr;
  return Snapshot<T>(std::move(record), **version);
}

template <EntityType T>
Snapshots<T> PostgresStore<T>::getMany(absl::Span<const Id> ids, const ReadOptions& options) {
  const auto rows =
      table_.getMany(ids, options, []() -> std::shared_ptr<void> { return std::make_shared<T>(); });
  Snapshots<T> answers;
  answers.reserve(rows.size());
  for (const absl::StatusOr<PostgresRow>& row : rows) {
    if (row.ok()) {
      answers.push_back(Snapshot<T>(std::static_pointer_cast<const T>(row->record), row->version));
    } else {
      answers.push_back(row.status());
    }
  }
  return answers;
}

}  // namespace strata
