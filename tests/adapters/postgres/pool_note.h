// What tests of the pool share: a record, its store, and a pool with all of its connections open.
#pragma once

#include <boost/describe.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/adapters/postgres/postgres_store.h"

namespace strata::pgtest {

struct PoolNote {
  std::string id;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(PoolNote, (), (id, text))

// Opens as many connections as the pool may have, if those that it has work; all are idle
// afterwards, and none is on its way.
inline void fill(PostgresPool& pool) {
  const PostgresPoolStats start = pool.stats();
  const std::size_t size = start.size;
  const std::uint64_t connects = start.connects + size - start.open;
  std::vector<std::thread> callers;
  for (std::size_t i = 0; i < size; ++i) {
    callers.emplace_back([&] {
      while (pool.stats().connects < connects) pool.execute("SELECT 1").IgnoreError();
    });
  }
  for (std::thread& caller : callers) caller.join();
}

}  // namespace strata::pgtest

namespace strata {

template <>
struct Entity<pgtest::PoolNote> {
  static constexpr auto table = "pool_notes";
  static constexpr KeySpace keys{"pgtest", "pool_note"};
  static std::string id(const pgtest::PoolNote& note) { return note.id; }
};

}  // namespace strata
