// Harnesses of the store conformance suite that several test programs use: a table of one's own in
// the shared PostgreSQL, and the decorators in front of any other harness.
#pragma once

#include <fmt/format.h>

#include <array>
#include <memory>
#include <string>

#include "strata/adapters/postgres/postgres_store.h"
#include "strata/decorators/caching_store.h"
#include "strata/decorators/coalescing_store.h"
#include "strata/decorators/guarded_store.h"
#include "strata/records/row_codec.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata::testing {

// PostgreSQL, with the table emptied for every test.
template <typename Base>
struct PostgresHarness : Base {
  using Record = typename Base::Record;

  static const std::shared_ptr<PostgresPool>& pool() {
    static const std::shared_ptr<PostgresPool> pool =
        PostgresPool::open({.url = sharedServers().postgres().url()}).value();
    return pool;
  }

  static absl::StatusOr<std::unique_ptr<Store<Record>>> makeStore() {
    auto store = PostgresStore<Record>::create(pool());
    if (!store.ok()) return store.status();
    const absl::Status emptied =
        pool()->execute("TRUNCATE " + quoteTable(entityInfo<Record>().table));
    if (!emptied.ok()) return emptied;
    return store;
  }

  // A column that holds no such value any more, whatever it held.
  absl::Status corrupt(const Id& id) {
    const EntityInfo& entity = entityInfo<Record>();
    std::string where = "true";
    const auto segments = id.segments();
    for (std::size_t i = 0; i < entity.key_columns.size(); ++i) {
      const std::string value = entity.has_own_id_column ? id.canonical() : segments[i];
      where +=
          fmt::format(" AND {} = {}", quoteIdentifier(entity.key_columns[i]), quoteLiteral(value));
    }
    for (const Field& field : entity.typeInfo().fields) {
      if (columnType(field.type()) != "jsonb") continue;
      return pool()->execute(fmt::format("UPDATE {} SET {} = '7' WHERE {}",
                                         quoteTable(entity.table), quoteIdentifier(field.name),
                                         where));
    }
    return absl::FailedPreconditionError("the record has no nested part");
  }
};

// A CachingStore in front of another harness's store, over a cache of its own.
template <typename Below, typename MakeCache>
struct CachingHarness : Below {
  using Record = typename Below::Record;

  static absl::StatusOr<std::unique_ptr<Store<Record>>> makeStore() {
    auto below = Below::makeStore();
    if (!below.ok()) return below.status();
    // An app of its own each time: what another test cached is under other keys.
    static int made = 0;
    return CachingStore<Record>::create(
        *std::move(below), MakeCache{}(),
        {.app = "conformance" + std::to_string(++made), .negative_ttl = absl::Seconds(5)});
  }
};

// A CoalescingStore in front of another harness's store.
template <typename Below>
struct CoalescingHarness : Below {
  using Record = typename Below::Record;

  static absl::StatusOr<std::unique_ptr<Store<Record>>> makeStore() {
    auto below = Below::makeStore();
    if (!below.ok()) return below.status();
    return CoalescingStore<Record>::create(*std::move(below), {.store = "conformance"});
  }
};

// A GuardedStore in front of another harness's store, with fewer places than the suite has threads.
template <typename Below>
struct GuardedHarness : Below {
  using Record = typename Below::Record;

  static absl::StatusOr<std::unique_ptr<Store<Record>>> makeStore() {
    auto below = Below::makeStore();
    if (!below.ok()) return below.status();
    auto bulkhead = Bulkhead::create({.max_concurrent = 2});
    if (!bulkhead.ok()) return bulkhead.status();
    return GuardedStore<Record>::create(*std::move(below), *std::move(bulkhead),
                                        {.store = "conformance"});
  }
};

}  // namespace strata::testing
