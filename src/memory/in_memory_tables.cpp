#include "src/memory/in_memory_tables.h"

#include <fmt/core.h>

namespace strata::internal {

absl::StatusOr<InMemoryTable*> InMemoryTables::table(const EntityInfo& entity) {
  if (absl::Status status = checkEntity(entity); !status.ok()) return status;
  const std::lock_guard lock(mutex_);
  auto found = tables_.find(entity.table);
  if (found == tables_.end()) {
    found = tables_.emplace(entity.table, std::make_unique<InMemoryTable>(database_, entity)).first;
  }
  if (&found->second->entity() == &entity) return found->second.get();
  return absl::FailedPreconditionError(
      fmt::format("the in-memory table {} holds records of another type", entity.table));
}

}  // namespace strata::internal
