// The conformance suite on PostgreSQL behind PgBouncer, in each of its modes.
#include "strata/testing/conformance/store_conformance.h"
#include "strata/testing/servers/local_pgbouncer.h"
#include "tests/conformance/store_harnesses.h"

namespace strata::testing {
namespace {

template <typename Base, PoolMode Mode>
struct PgBouncerHarness : PostgresHarness<Base> {
  using Record = typename Base::Record;

  static const std::shared_ptr<PostgresPool>& pool() {
    static const std::unique_ptr<LocalPgBouncer> pooler =
        LocalPgBouncer::start(sharedServers().postgres(), {.mode = Mode, .sessions = 4}).value();
    static const std::shared_ptr<PostgresPool> pool =
        PostgresPool::open({.url = pooler->url(), .pool_size = 4}).value();
    return pool;
  }

  static absl::StatusOr<std::unique_ptr<Store<Record>>> makeStore() {
    auto emptied = PostgresHarness<Base>::makeStore();
    if (!emptied.ok()) return emptied.status();
    return PostgresStore<Record>::create(pool());
  }
};

template <typename Base>
using BySession = PgBouncerHarness<Base, PoolMode::kSession>;
template <typename Base>
using ByTransaction = PgBouncerHarness<Base, PoolMode::kTransaction>;

}  // namespace
}  // namespace strata::testing

STRATA_INSTANTIATE_STORE_CONFORMANCE(PgBouncerSession, BySession<ConformanceRecordHarness>,
                                     BySession<ConformancePairHarness>);
STRATA_INSTANTIATE_STORE_CONFORMANCE(PgBouncerTransaction, ByTransaction<ConformanceRecordHarness>,
                                     ByTransaction<ConformancePairHarness>);
