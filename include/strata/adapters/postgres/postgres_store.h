// PostgresStore<T>: the rows of a table as a Store<T>.
//
//   auto pool = PostgresPool::open({.url = "postgresql://app:secret@db/app"});
//   auto flags = PostgresStore<FeatureFlag>::create(*pool);
//   auto flag = (*flags)->get("checkout-v2");
//
// The table, its columns and its key come from Entity<T>; `createTableSql<T>()` is its DDL. Every
// read is of the newest row, so `consistency` and `min_version` ask for nothing more. A key column
// may be a uuid where T has a std::string: its ids are then uuids in lower case.
// Not for: tables without the column row_version and a unique index on the key; views; keys of
// types or collations by which texts that differ are equal. docs/entities.md lists what is refused.
#pragma once

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/adapters/postgres/schema_policy.h"
#include "strata/records/entity.h"
#include "strata/store/internal/any_record.h"
#include "strata/store/store.h"

namespace strata {

namespace internal {
absl::StatusOr<std::unique_ptr<AnyStore>> createPostgresRecords(std::shared_ptr<PostgresPool> pool,
                                                                const EntityInfo& entity,
                                                                SchemaPolicy policy);
}  // namespace internal

template <EntityType T>
class PostgresStore final : public internal::TypedStore<T> {
 public:
  // FailedPrecondition: the table is missing or does not fit T, or search_path leads to no schema;
  // names every column that does not fit, with the type found and the type needed. InvalidArgument:
  // the entity's key is of a type that cannot be one; texts, enums and integers can. Unavailable:
  // for 30 s a lock of the table was not to be had in order to add a column; names its holders.
  // Otherwise as PostgresPool.
  static absl::StatusOr<std::unique_ptr<PostgresStore>> create(
      std::shared_ptr<PostgresPool> pool, SchemaPolicy policy = SchemaPolicy::kCreateOrExtend) {
    auto records = internal::createPostgresRecords(std::move(pool), entityInfo<T>(), policy);
    if (!records.ok()) return records.status();
    return std::unique_ptr<PostgresStore>(new PostgresStore(*std::move(records)));
  }

 private:
  explicit PostgresStore(std::unique_ptr<internal::AnyStore> records)
      : internal::TypedStore<T>(std::move(records)) {}
};

}  // namespace strata
