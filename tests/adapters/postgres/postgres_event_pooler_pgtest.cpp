// A hub over PgBouncer: deaf in transaction mode unless its session leads past it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "strata/adapters/postgres/postgres_event_transport.h"
#include "strata/events/event_hub_options.h"
#include "strata/testing/servers/local_pgbouncer.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::HasSubstr;
using testing::LocalPgBouncer;
using testing::LocalServers;
using testing::PoolMode;
using testing::StatusIs;

class PostgresEventPooler : public ::testing::Test {
 protected:
  void startPooler(PoolMode mode) {
    pooler_ = LocalPgBouncer::start(servers_->postgres(), {.mode = mode}).value();
  }
  absl::StatusOr<std::unique_ptr<EventHub>> hub(const std::string& pool_url,
                                                const std::string& listen_url) {
    auto pool = PostgresPool::open({.url = pool_url}).value();
    return makeEventHub(makePostgresEventTransport(std::move(pool), {.url = listen_url}).value(),
                        {.app = "shop"});
  }

  const std::unique_ptr<LocalServers> servers_ = LocalServers::start({.postgres = true}).value();
  std::unique_ptr<LocalPgBouncer> pooler_;
};

// Such a hub was made, live and healthy: three events were published, none was received, and nobody
// was told of a gap.
TEST_F(PostgresEventPooler, InTransactionModeAHubIsNotMadeAndNamesTheVariable) {
  startPooler(PoolMode::kTransaction);
  EXPECT_THAT(hub(pooler_->url(), pooler_->url()),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("DATABASE_DIRECT_URL")));
}

TEST_F(PostgresEventPooler, OneWhoseSessionLeadsPastItIsMade) {
  startPooler(PoolMode::kTransaction);
  EXPECT_OK(hub(pooler_->url(), servers_->postgres().url()).status());
}

TEST_F(PostgresEventPooler, InSessionModeOneIsMadeThatIsToldSo) {
  startPooler(PoolMode::kSession);
  const std::string url = pooler_->url() + "?prepare_statements=on";
  EXPECT_OK(hub(url, url).status());
}

}  // namespace
}  // namespace strata
