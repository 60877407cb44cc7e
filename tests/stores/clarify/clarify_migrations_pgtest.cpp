// What an upgrade does to a database of an earlier version of the context platform's stores.
#include "strata/stores/clarify/clarify_migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "strata/factories/clarify_store_factory.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

class ClarifyMigrationsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto url = server().createDatabase("clarify_migrations");
    ASSERT_THAT(url, IsOk());
    url_ = *std::move(url);
  }

  static testing::LocalPostgres& server() { return testing::sharedServers().postgres(); }
  static absl::Status run(const std::string& sql) {
    return server().query(sql, "clarify_migrations").status();
  }
  // As the first `count` migrations leave it.
  void installUpTo(std::size_t count) const {
    auto pool = PostgresPool::open({.url = url_, .pool_size = 1});
    ASSERT_THAT(pool, IsOk());
    ASSERT_THAT(applyMigrations(**pool, clarifyMigrations().first(count)), IsOk());
  }
  ClarifyStores upgraded() const {
    Config config;
    config.database_url = url_;
    auto backends = connect(config);
    EXPECT_THAT(backends, IsOk());
    auto stores = createClarifyStores(*backends);
    EXPECT_THAT(stores, IsOk());
    return *std::move(stores);
  }

  std::string url_;
};

// The column of a user's name took no NULL.
TEST_F(ClarifyMigrationsTest, LetUsersOfAnEarlierVersionLoseTheirName) {
  installUpTo(1);
  ASSERT_THAT(run("INSERT INTO users (id, name) VALUES ('ada', 'Ada')"), IsOk());
  ASSERT_THAT(run("INSERT INTO users (id, name) VALUES ('none', NULL)"),
              StatusIs(absl::StatusCode::kInternal));
  const ClarifyStores stores = upgraded();
  EXPECT_EQ(stores.users->get("ada")->name, "Ada");
  ASSERT_THAT(stores.users->put({.id = "ada"}), IsOk());
  EXPECT_EQ(stores.users->get("ada")->name, std::nullopt);
}

// A binary that met a NULL of a later version of the schema read an empty value, and wrote that
// back with whatever else it changed of the record.
TEST_F(ClarifyMigrationsTest, AreNoticedByABinaryThatHasNoPlaceForANull) {
  const ClarifyStores stores = upgraded();
  ASSERT_THAT(stores.users->put({.id = "ada"}), IsOk());
  ASSERT_THAT(run("ALTER TABLE users ALTER tier DROP NOT NULL; UPDATE users SET tier = NULL"),
              IsOk());
  const auto refused =
      StatusIs(absl::StatusCode::kDataLoss, AllOf(HasSubstr("users.tier"), HasSubstr("NULL")));
  EXPECT_THAT(stores.users->get("ada"), refused);
  EXPECT_THAT(stores.reflections->create({.user_id = "ada"}), refused);
}

}  // namespace
}  // namespace strata
