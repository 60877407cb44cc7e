#include "strata/memory/in_memory_database.h"

#include <fmt/core.h>

#include "src/memory/in_memory_table.h"

namespace strata {

using internal::InMemoryTable;

InMemoryDatabase::InMemoryDatabase() = default;
InMemoryDatabase::~InMemoryDatabase() = default;

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
