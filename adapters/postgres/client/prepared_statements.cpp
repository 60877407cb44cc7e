#include "adapters/postgres/client/prepared_statements.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "src/base/randomness.h"

namespace strata::postgres {

PreparedStatements::PreparedStatements()
    : prefix_(fmt::format("s{:016x}{:016x}_", internal::randomSeed(), internal::randomSeed())) {}

const PreparedStatement* PreparedStatements::find(const Statement& statement) {
  const auto found = by_key_.find(statement.key());
  if (found == by_key_.end()) return nullptr;
  // Another text may have the same key.
  if (found->second->sql != statement.sql()) return nullptr;
  used_.splice(used_.begin(), used_, found->second);
  return &used_.front();
}

std::string PreparedStatements::takeOldest() {
  const auto oldest = std::prev(used_.end());
  const auto indexed = by_key_.find(oldest->key);
  if (indexed != by_key_.end() && indexed->second == oldest) by_key_.erase(indexed);
  std::string name = std::move(oldest->name);
  used_.erase(oldest);
  return name;
}

std::string PreparedStatements::newName() { return fmt::format("{}{}", prefix_, ++names_); }

void PreparedStatements::add(const Statement& statement, std::string name, std::size_t parameters) {
  used_.push_front({.key = statement.key(),
                    .sql = statement.sql(),
                    .name = std::move(name),
                    .parameters = parameters});
  by_key_[statement.key()] = used_.begin();
}

}  // namespace strata::postgres
