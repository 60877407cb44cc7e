#include "strata/memory/in_memory_database.h"

#include "src/memory/in_memory_tables.h"

namespace strata {

InMemoryDatabase::InMemoryDatabase() : tables_(std::make_unique<internal::InMemoryTables>(*this)) {}
InMemoryDatabase::~InMemoryDatabase() = default;

const std::shared_ptr<InMemoryDatabase>& InMemoryDatabase::shared() {
  static const auto* const database =
      new std::shared_ptr<InMemoryDatabase>(std::make_shared<InMemoryDatabase>());
  return *database;
}

}  // namespace strata
