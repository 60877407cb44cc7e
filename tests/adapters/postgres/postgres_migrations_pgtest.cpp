#include "strata/adapters/postgres/migrations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalPostgres;
using testing::sharedServers;
using testing::StatusIs;

// Neither can be applied twice.
constexpr Migration kCreate{"shop", 1, "create", "CREATE TABLE items (id text PRIMARY KEY)"};
constexpr Migration kExtend{"shop", 2, "extend",
                            "ALTER TABLE items ADD price int; -- why: it was free\n"
                            "INSERT INTO items VALUES ('first', 1);"};
constexpr Migration kBoth[] = {kCreate, kExtend};

constexpr const char* kChildUrl = "STRATA_MIGRATIONS_TEST_URL";

class MigrationsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const char* url = std::getenv(kChildUrl)) runAsChild(url);
    auto url = server().createDatabase("migrations_test");
    ASSERT_THAT(url, IsOk());
    url_ = *std::move(url);
    pool_ = open();
  }

  [[noreturn]] static void runAsChild(const char* url) {
    auto pool = PostgresPool::open({.url = url});
    _exit(pool.ok() && applyMigrations(**pool, kBoth).ok() ? 0 : 1);
  }
  static LocalPostgres& server() { return sharedServers().postgres(); }
  std::shared_ptr<PostgresPool> open() const {
    auto pool = PostgresPool::open({.url = url_, .pool_size = 2});
    EXPECT_THAT(pool, IsOk());
    return *std::move(pool);
  }
  std::string one(const std::string& sql) {
    const auto rows = server().query(sql, "migrations_test");
    EXPECT_THAT(rows, IsOk()) << sql;
    return rows.ok() && !rows->empty() ? (*rows)[0][0].value_or("NULL") : "";
  }

  std::string url_;
  std::shared_ptr<PostgresPool> pool_;
};

// All migrations of a database had one history, where search_path leads.
TEST_F(MigrationsTest, OfASchemaHaveAHistoryOfTheirOwn) {
  one("CREATE TABLE items (other text)");
  for (const std::string schema : {"one", "two", "with \"quotes\""}) {
    for (int i = 0; i < 2; ++i) {
      EXPECT_THAT(applyMigrations(*pool_, kBoth, {.schema = schema}), IsOk()) << schema;
    }
  }
  EXPECT_EQ(one("SELECT count(*) FROM pg_tables WHERE tablename = 'items'"), "4");
  EXPECT_EQ(one("SELECT count(*) FROM one.items"), "1");
  EXPECT_EQ(one("SELECT count(*) FROM two.strata_migrations"), "2");
  EXPECT_EQ(one("SELECT to_regclass('strata_migrations')"), "NULL");
  EXPECT_THAT(applyMigrations(*pool_, kBoth), StatusIs(absl::StatusCode::kFailedPrecondition))
      << "the table in public is not theirs";
  EXPECT_THAT(applyMigrations(*pool_, kBoth, {.schema = std::string(64, 'x')}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("longer than 63 bytes")));
}

TEST_F(MigrationsTest, AreAppliedOnceAndRemembered) {
  const Migration first[] = {kCreate};
  ASSERT_THAT(applyMigrations(*pool_, first), IsOk());
  ASSERT_THAT(applyMigrations(*pool_, kBoth), IsOk());
  ASSERT_THAT(applyMigrations(*pool_, kBoth), IsOk());
  EXPECT_EQ(one("SELECT string_agg(component || number || name, ' ' ORDER BY number) "
                "FROM strata_migrations WHERE length(checksum) = 64 AND applied_at <= now()"),
            "shop1create shop2extend");
  EXPECT_EQ(one("SELECT sum(price) FROM items"), "1");
  EXPECT_EQ(pool_->stats().connects, 1U);
  ASSERT_THAT(applyMigrations(*pool_, first), IsOk()) << "an older binary";
}

TEST_F(MigrationsTest, StoreAnIdOfTheDatabaseOnceAndForEveryRole) {
  const Migration first[] = {kCreate};
  ASSERT_THAT(applyMigrations(*pool_, first), IsOk());
  const std::string id = one("SELECT id FROM strata_identity");
  EXPECT_NE(id, "");
  EXPECT_EQ(one("SELECT count(*) FROM strata_identity"), "1");
  ASSERT_THAT(applyMigrations(*pool_, kBoth), IsOk());
  EXPECT_EQ(one("SELECT id FROM strata_identity"), id);
  EXPECT_EQ(one("SELECT has_table_privilege('public', 'strata_identity', 'SELECT')"), "t");
}

TEST_F(MigrationsTest, OfOneRunAreAllAppliedOrNone) {
  const Migration migrations[] = {kCreate, {"shop", 2, "broken", "SELECT * FROM nowhere"}};
  EXPECT_THAT(applyMigrations(*pool_, migrations),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("migration shop/0002_broken"), HasSubstr("nowhere"))));
  EXPECT_EQ(one("SELECT to_regclass('items')"), "NULL");
  EXPECT_EQ(one("SELECT to_regclass('strata_migrations')"), "NULL");
}

TEST_F(MigrationsTest, AreNotEditedAfterwards) {
  ASSERT_THAT(applyMigrations(*pool_, kBoth), IsOk());
  const Migration edited[] = {{"shop", 1, "create", "CREATE TABLE items (id int)"}, kExtend};
  EXPECT_THAT(applyMigrations(*pool_, edited),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("shop/0001_create")));
}

TEST_F(MigrationsTest, MayNotEndTheirTransaction) {
  const Migration migrations[] = {{"shop", 1, "sly", "CREATE TABLE items (); COMMIT"}};
  EXPECT_THAT(applyMigrations(*pool_, migrations),
              StatusIs(absl::StatusCode::kFailedPrecondition, HasSubstr("shop/0001_sly")));
}

TEST_F(MigrationsTest, NeedNoRightToCreateWhenAllAreApplied) {
  ASSERT_THAT(applyMigrations(*pool_, kBoth), IsOk());
  one("DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'reader';"
      "GRANT SELECT ON strata_migrations TO reader");
  auto reader =
      PostgresPool::open({.url = "postgresql://reader:reader" + url_.substr(url_.find('@'))});
  ASSERT_THAT(reader, IsOk());
  EXPECT_THAT(applyMigrations(**reader, kBoth), IsOk());
  one("DROP OWNED BY reader; DROP ROLE reader");
}

TEST_F(MigrationsTest, OfManyThreadsAreAppliedOnce) {
  std::vector<std::shared_ptr<PostgresPool>> pools;
  for (int i = 0; i < 8; ++i) pools.push_back(open());
  std::vector<std::thread> threads;
  for (const auto& pool : pools) {
    threads.emplace_back([&pool] { EXPECT_THAT(applyMigrations(*pool, kBoth), IsOk()); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(one("SELECT count(*) FROM strata_migrations"), "2");
  EXPECT_EQ(one("SELECT sum(price) FROM items"), "1");
}

// The test is also the program that its children run.
TEST_F(MigrationsTest, OfManyProcessesAreAppliedOnce) {
  std::vector<pid_t> children;
  for (int i = 0; i < 2; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      setenv(kChildUrl, url_.c_str(), 1);
      execl("/proc/self/exe", "child", "--gtest_filter=*OfManyProcessesAreAppliedOnce", nullptr);
      _exit(127);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = -1;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(one("SELECT sum(price) FROM items"), "1");
}

}  // namespace
}  // namespace strata
