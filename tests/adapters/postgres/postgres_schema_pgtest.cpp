#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/describe.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "strata/adapters/postgres/postgres_store.h"
#include "strata/records/row_codec.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata::pgtest {

struct Item {
  std::string id;
  std::int64_t count = 0;
  bool sold = false;
  Timestamp made{};
  std::map<std::string, double> prices;
  std::optional<double> weight;
  Json notes;
};
BOOST_DESCRIBE_STRUCT(Item, (), (id, count, sold, made, prices, weight, notes))

struct Timed {
  Timestamp id{};
};
BOOST_DESCRIBE_STRUCT(Timed, (), (id))

}  // namespace strata::pgtest

namespace strata {

template <>
struct Entity<pgtest::Item> {
  static constexpr auto table = "shop.items";
  static constexpr KeySpace keys{"pgtest", "item"};
  static std::string id(const pgtest::Item& item) { return item.id; }
};
template <>
struct Entity<pgtest::Timed> {
  static constexpr auto table = "timed";
  static constexpr KeySpace keys{"pgtest", "timed"};
  static std::string id(const pgtest::Timed&) { return "x"; }
};

namespace {

using pgtest::Item;
using pgtest::Timed;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalPostgres;
using ::testing::Not;
using testing::sharedServers;
using testing::StatusIs;

constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;

class PostgresSchemaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto url = server().createDatabase("schema_test");
    ASSERT_THAT(url, IsOk());
    url_ = *std::move(url);
    pool_ = open(url_);
    query("CREATE SCHEMA shop");
  }

  static LocalPostgres& server() { return sharedServers().postgres(); }
  static std::shared_ptr<PostgresPool> open(const std::string& url) {
    auto pool = PostgresPool::open({.url = url});
    EXPECT_THAT(pool, IsOk());
    return *std::move(pool);
  }
  void query(const std::string& sql) {
    EXPECT_THAT(server().query(sql, "schema_test"), IsOk()) << sql;
  }
  absl::Status create(SchemaPolicy policy) {
    return PostgresStore<Item>::create(pool_, policy).status();
  }

  std::string url_;
  std::shared_ptr<PostgresPool> pool_;
};

TEST_F(PostgresSchemaTest, CreatesAMissingTable) {
  EXPECT_THAT(
      create(SchemaPolicy::kVerify),
      StatusIs(kFailedPrecondition, AllOf(HasSubstr("shop.items"), HasSubstr("createTableSql"))));
  EXPECT_THAT(create(SchemaPolicy::kCreateOrExtend), IsOk());
  EXPECT_THAT(create(SchemaPolicy::kVerify), IsOk());
}

TEST_F(PostgresSchemaTest, AddsMissingColumnsAndNamesThemWhenItMayNot) {
  ASSERT_THAT(create(SchemaPolicy::kCreateOrExtend), IsOk());
  query("ALTER TABLE shop.items DROP sold, DROP prices");
  query("INSERT INTO shop.items (id, count) VALUES ('old', 3)");
  EXPECT_THAT(
      create(SchemaPolicy::kVerify),
      StatusIs(kFailedPrecondition, AllOf(HasSubstr("column sold"), HasSubstr("column prices"),
                                          Not(HasSubstr("column count")))));
  auto items = PostgresStore<Item>::create(pool_);
  ASSERT_THAT(items, IsOk());
  const auto old = (*items)->get("old");
  ASSERT_THAT(old, IsOk());
  EXPECT_EQ((*old)->count, 3);
}

TEST_F(PostgresSchemaTest, NeedsNoRightToCreateWhenNothingIsMissing) {
  ASSERT_THAT(create(SchemaPolicy::kCreateOrExtend), IsOk());
  query(
      "DROP ROLE IF EXISTS plain; CREATE ROLE plain LOGIN PASSWORD 'plain';"
      "GRANT USAGE ON SCHEMA shop TO plain;"
      "GRANT SELECT, INSERT, UPDATE, DELETE ON shop.items TO plain;"
      "GRANT USAGE ON SEQUENCE strata_row_version TO plain");
  const auto plain = open("postgresql://plain:plain" + url_.substr(url_.find('@')));
  auto items = PostgresStore<Item>::create(plain);
  ASSERT_THAT(items, IsOk());
  EXPECT_THAT((*items)->put({.id = "a"}), IsOk());
  query("ALTER TABLE shop.items DROP sold");
  EXPECT_THAT(PostgresStore<Item>::create(plain),
              StatusIs(absl::StatusCode::kPermissionDenied, HasSubstr("shop.items")));
  query(
      "ALTER TABLE shop.items ADD sold boolean NOT NULL DEFAULT false;"
      "REVOKE INSERT ON shop.items FROM plain");
  EXPECT_THAT((*items)->put({.id = "a"}), StatusIs(absl::StatusCode::kPermissionDenied));
  query("DROP OWNED BY plain; DROP ROLE plain");
}

TEST_F(PostgresSchemaTest, NamesColumnsOfATypeThatCannotBeRead) {
  query(
      "CREATE SEQUENCE strata_row_version; CREATE TABLE shop.items (id text PRIMARY KEY,"
      "count text, sold boolean, made timestamp, prices jsonb, weight numeric, notes text,"
      "row_version bigint)");
  EXPECT_THAT(
      create(SchemaPolicy::kVerify),
      StatusIs(kFailedPrecondition, AllOf(HasSubstr("column count is text and not bigint"),
                                          HasSubstr("column made is timestamp without time zone"),
                                          HasSubstr("column notes is text and not jsonb"),
                                          Not(HasSubstr("weight")), Not(HasSubstr("prices")))));
}

TEST_F(PostgresSchemaTest, WantsAUniqueIndexOnTheKey) {
  query(
      "CREATE SEQUENCE strata_row_version; CREATE TABLE shop.items (id text,"
      "count bigint, sold boolean, made timestamptz, prices json, weight numeric, notes json,"
      "row_version bigint)");
  EXPECT_THAT(create(SchemaPolicy::kCreateOrExtend),
              StatusIs(kFailedPrecondition, HasSubstr("no unique index on (id)")));
  query("CREATE UNIQUE INDEX ON shop.items (id) WHERE sold");
  EXPECT_THAT(create(SchemaPolicy::kVerify), StatusIs(kFailedPrecondition));
  query("CREATE UNIQUE INDEX ON shop.items (id, count)");
  EXPECT_THAT(create(SchemaPolicy::kVerify), StatusIs(kFailedPrecondition));
  query("CREATE UNIQUE INDEX ON shop.items (id) INCLUDE (count)");
  EXPECT_THAT(create(SchemaPolicy::kVerify), IsOk());
}

TEST_F(PostgresSchemaTest, RefusesKeysThatAreNeitherTextNorInteger) {
  EXPECT_THAT(PostgresStore<Timed>::create(pool_),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("timed")));
}

TEST_F(PostgresSchemaTest, ManyMayCreateAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i) {
    threads.emplace_back([&] { EXPECT_THAT(create(SchemaPolicy::kCreateOrExtend), IsOk()); });
  }
  for (std::thread& thread : threads) thread.join();
}

// What is missing after start-up is told by the store, too.
TEST_F(PostgresSchemaTest, ReportsATableThatIsDroppedLater) {
  auto items = PostgresStore<Item>::create(pool_);
  ASSERT_THAT(items, IsOk());
  query("DROP TABLE shop.items");
  EXPECT_THAT((*items)->get("a"),
              StatusIs(kFailedPrecondition, AllOf(HasSubstr("shop.items"), HasSubstr("42P01"))));
}

}  // namespace
}  // namespace strata
