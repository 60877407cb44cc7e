#include "adapters/postgres/statement.h"

#include <mutex>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace strata::postgres {
namespace {

// Numbers texts, so that a connection finds its prepared statement without hashing a text per call.
std::size_t keyOf(const std::string& sql) {
  static std::mutex mutex;
  static auto* const keys = new absl::flat_hash_map<std::string, std::size_t>();
  const std::lock_guard lock(mutex);
  return keys->try_emplace(sql, keys->size()).first->second;
}

}  // namespace

Statement::Statement(std::string sql, std::string what, Effect effect)
    : sql_(std::move(sql)), what_(std::move(what)), effect_(effect), key_(keyOf(sql_)) {}

}  // namespace strata::postgres
