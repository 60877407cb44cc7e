// PreparedStatements: what one session has prepared, the least recently used of which makes room
// for the next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "adapters/postgres/client/statement.h"

namespace strata::postgres {

// The server keeps up to some tens of kilobytes for each.
inline constexpr std::size_t kMostPrepared = 256;

struct PreparedStatement {
  std::uint64_t key = 0;
  std::string sql;
  std::string name;
  std::size_t parameters = 0;
};

class PreparedStatements {
 public:
  PreparedStatements();

  // Null: it is not prepared. Valid until the next `add` or `takeOldest`.
  const PreparedStatement* find(const Statement& statement);
  bool isFull() const { return used_.size() >= kMostPrepared; }
  // Takes the one out that was not used for longest, and returns its name.
  std::string takeOldest();
  // A name that no session has for anything: neither another process nor one that shares the
  // session through a pooler can come upon it.
  std::string newName();
  // Adds what was prepared under `name`.
  void add(const Statement& statement, std::string name, std::size_t parameters);

 private:
  using Used = std::list<PreparedStatement>;

  const std::string prefix_;
  std::size_t names_ = 0;
  // The last used first.
  Used used_;
  absl::flat_hash_map<std::uint64_t, Used::iterator> by_key_;
};

}  // namespace strata::postgres
