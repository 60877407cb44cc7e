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

#include "absl/status/statusor.h"
#include "strata/base/clock.h"
#include "strata/memory/in_memory_database.h"
#include "strata/records/entity.h"
#include "strata/store/internal/any_record.h"
#include "strata/store/store.h"

namespace strata {

namespace internal {
absl::StatusOr<std::unique_ptr<AnyStore>> createInMemoryRecords(
    std::shared_ptr<InMemoryDatabase> database, const EntityInfo& entity, const Clock& clock);
}  // namespace internal

template <EntityType T>
class InMemoryStore final : public internal::TypedStore<T> {
 public:
  // `clock` is what deadlines are measured on; it must outlive the store.
  // FailedPrecondition: the table of T's name holds values of another type.
  // InvalidArgument: a key column of Entity<T> is no member of T, or of a type that cannot be one.
  static absl::StatusOr<std::unique_ptr<InMemoryStore>> create(
      std::shared_ptr<InMemoryDatabase> database = InMemoryDatabase::shared(),
      const Clock& clock = Clock::system()) {
    auto records = internal::createInMemoryRecords(std::move(database), entityInfo<T>(), clock);
    if (!records.ok()) return records.status();
    return std::unique_ptr<InMemoryStore>(new InMemoryStore(*std::move(records)));
  }

 private:
  explicit InMemoryStore(std::unique_ptr<internal::AnyStore> records)
      : internal::TypedStore<T>(std::move(records)) {}
};

}  // namespace strata
