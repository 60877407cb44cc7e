// Which columns createStore accepts for a member: those that every value can be written to and is
// read back from as it was.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/describe.hpp>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "strata/adapters/postgres/postgres_store.h"
#include "strata/records/json_codec.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata::pgtest {

enum class Mood : std::uint8_t { kGood, kBad };
BOOST_DESCRIBE_ENUM(Mood, kGood, kBad)

struct Sample {
  std::string id;
  std::int16_t small = 0;
  std::int32_t medium = 0;
  std::int64_t large = 0;
  std::uint64_t huge = 0;
  float single = 0;
  double exact = 0;
  std::string text;
  Mood mood = Mood::kGood;
  Timestamp at;
  std::optional<std::string> note;
  std::vector<std::string> tags;
};
BOOST_DESCRIBE_STRUCT(Sample, (),
                      (id, small, medium, large, huge, single, exact, text, mood, at, note, tags))

}  // namespace strata::pgtest

namespace strata {

template <>
struct Entity<pgtest::Sample> {
  static constexpr auto table = "samples";
  static constexpr KeySpace keys{"pgtest", "sample"};
  static std::string id(const pgtest::Sample& sample) { return sample.id; }
};

namespace {

using pgtest::Mood;
using pgtest::Sample;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalPostgres;
using testing::sharedServers;
using testing::StatusIs;

constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;

class PostgresColumnsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto url = server().createDatabase("columns_test");
    ASSERT_THAT(url, IsOk());
    url_ = *std::move(url);
    pool_ = PostgresPool::open({.url = url_}).value();
    query(
        "CREATE EXTENSION citext; CREATE TYPE mood AS ENUM ('bad', 'good', 'mixed');"
        "CREATE TYPE half_mood AS ENUM ('good'); CREATE DOMAIN cents AS numeric(12,2);"
        "CREATE DOMAIN count AS bigint CHECK (VALUE >= 0); CREATE DOMAIN word AS varchar(5);"
        "CREATE DOMAIN filled AS text NOT NULL DEFAULT 'x'");
  }

  static LocalPostgres& server() { return sharedServers().postgres(); }
  static void query(const std::string& sql) {
    EXPECT_THAT(server().query(sql, "columns_test"), IsOk()) << sql;
  }
  absl::Status create(SchemaPolicy policy = SchemaPolicy::kVerify) {
    return PostgresStore<Sample>::create(pool_, policy).status();
  }
  // As createStore makes it, and then changed.
  void tableWith(const std::string& change) {
    query("DROP TABLE IF EXISTS samples CASCADE");
    // Statements that are prepared keep the types that the columns had.
    pool_ = PostgresPool::open({.url = url_}).value();
    ASSERT_THAT(create(SchemaPolicy::kCreateOrExtend), IsOk());
    query(change);
  }
  void columnOf(const std::string& column, const std::string& type) {
    SCOPED_TRACE(column + " " + type);
    tableWith("ALTER TABLE samples DROP " + column + "; ALTER TABLE samples ADD " + column + " " +
              type);
  }
  static std::vector<Sample> extremes() {
    using Limits = std::numeric_limits<std::int64_t>;
    Sample most{.id = "most",
                .small = std::numeric_limits<std::int16_t>::max(),
                .medium = std::numeric_limits<std::int32_t>::max(),
                .large = Limits::max(),
                .huge = std::numeric_limits<std::uint64_t>::max(),
                .single = 0.1F,
                .exact = 0.1,
                .text = "0b7e5a34-96c2-4d4e-8f0a-2f6f6f1f9f10",
                .mood = Mood::kBad,
                .at = *parseTimestamp("2026-01-31T23:59:59.123456Z"),
                .note = "n",
                .tags = {"a"}};
    Sample least{.id = "least",
                 .small = std::numeric_limits<std::int16_t>::min(),
                 .medium = std::numeric_limits<std::int32_t>::min(),
                 .large = Limits::min(),
                 .single = -1e30F,
                 .exact = -1e300,
                 .text = most.text};
    return {most, least};
  }
  void expectAccepted(const std::string& column, const std::string& type) {
    SCOPED_TRACE(column + " " + type);
    columnOf(column, type);
    auto store = PostgresStore<Sample>::create(pool_, SchemaPolicy::kVerify);
    ASSERT_THAT(store, IsOk());
    for (const Sample& sample : extremes()) {
      ASSERT_THAT((*store)->put(sample), IsOk());
      const auto read = (*store)->get(sample.id);
      ASSERT_THAT(read, IsOk());
      EXPECT_EQ(encodeJson(**read), encodeJson(sample));
    }
  }
  // Whatever the policy: there is nothing to create.
  void expectRefused(const std::string& what) {
    for (const auto policy : {SchemaPolicy::kVerify, SchemaPolicy::kCreateOrExtend}) {
      EXPECT_THAT(create(policy), StatusIs(kFailedPrecondition,
                                           AllOf(HasSubstr("table samples"), HasSubstr(what))));
    }
  }
  void expectRefused(const std::string& column, const std::string& type, const std::string& found,
                     const std::string& needed) {
    SCOPED_TRACE(column + " " + type);
    columnOf(column, type);
    expectRefused("column " + column + " is " + found + " and not " + needed);
  }

  std::string url_;
  std::shared_ptr<PostgresPool> pool_;
};

// numeric(12,2) for an integer took every put, and every get was DataLoss; smallint for an int64
// refused values that the type has; real and timestamptz(3) altered what they stored.
TEST_F(PostgresColumnsTest, RefusesTypesThatCannotHoldEveryValueOfTheMember) {
  expectRefused("large", "numeric(12,2)", "numeric(12,2)", "bigint");
  expectRefused("large", "numeric(18)", "numeric(18,0)", "bigint");
  expectRefused("large", "cents", "cents (a domain of numeric(12,2))", "bigint");
  expectRefused("large", "smallint", "smallint", "bigint");
  expectRefused("large", "integer", "integer", "bigint");
  expectRefused("large", "double precision", "double precision", "bigint");
  expectRefused("medium", "smallint", "smallint", "integer");
  expectRefused("huge", "bigint", "bigint", "numeric(20)");
  expectRefused("exact", "real", "real", "double precision");
  expectRefused("exact", "numeric(10,3)", "numeric(10,3)", "double precision");
  expectRefused("exact", "bigint", "bigint", "double precision");
  expectRefused("text", "mood", "mood (an enum)", "text");
  expectRefused("text", "char(40)", "character(40)", "text");
  expectRefused("text", "name", "name", "text");
  expectRefused("text", "bytea", "bytea", "text");
  expectRefused("text", "jsonb", "jsonb", "text");
  expectRefused("mood", "half_mood", "half_mood (an enum)", "text");
  expectRefused("mood", "varchar(3)", "character varying(3)", "text");
  expectRefused("at", "timestamp", "timestamp without time zone", "timestamptz");
  expectRefused("at", "timestamptz(3)", "timestamp(3) with time zone", "timestamptz");
  expectRefused("at", "date", "date", "timestamptz");
  expectRefused("tags", "text[]", "text[]", "jsonb");
}

TEST_F(PostgresColumnsTest, AcceptsTypesThatCan) {
  for (const char* type : {"bigint", "numeric", "numeric(19)", "numeric(30)"}) {
    expectAccepted("large", type);
  }
  expectAccepted("small", "integer");
  expectAccepted("medium", "bigint");
  expectAccepted("huge", "numeric(20)");
  expectAccepted("huge", "numeric");
  expectAccepted("single", "double precision");
  expectAccepted("exact", "numeric");
  for (const char* type : {"varchar", "varchar(40)", "uuid", "citext"})
    expectAccepted("text", type);
  expectAccepted("mood", "mood");
  expectAccepted("mood", "varchar(4)");
  expectAccepted("at", "timestamptz(6)");
  expectAccepted("tags", "json");
  expectAccepted("medium", "integer NOT NULL DEFAULT 5 CHECK (medium <> 13)");
  expectAccepted("note", "varchar");
  expectAccepted("large", "bigint GENERATED BY DEFAULT AS IDENTITY");
}

// Its own rules are the application's: what breaks them is an error of that write.
TEST_F(PostgresColumnsTest, LeavesTheDatabaseItsOwnRules) {
  columnOf("large", "count");
  auto store = PostgresStore<Sample>::create(pool_, SchemaPolicy::kVerify);
  ASSERT_THAT(store, IsOk());
  EXPECT_THAT((*store)->put({.id = "a", .large = 5}), IsOk());
  EXPECT_THAT((*store)->put({.id = "a", .large = -5}), StatusIs(kFailedPrecondition));
}

// The server cut blanks off the end of a text that was too long, and the put succeeded.
TEST_F(PostgresColumnsTest, RefusesATextThatIsLongerThanItsColumn) {
  columnOf("text", "word");
  auto store = PostgresStore<Sample>::create(pool_, SchemaPolicy::kVerify);
  ASSERT_THAT(store, IsOk());
  EXPECT_THAT((*store)->put({.id = "a", .text = "12345"}), IsOk());
  EXPECT_THAT((*store)->put({.id = "a", .text = "ÄÖÜßé"}), IsOk());
  for (const char* text : {"123456", "12345 ", "      "}) {
    EXPECT_THAT((*store)->put({.id = "a", .text = text}),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         AllOf(HasSubstr("samples: text"), HasSubstr("5 characters"))));
  }
}

TEST_F(PostgresColumnsTest, RefusesColumnsThatTakeNoValue) {
  expectRefused("large", "bigint GENERATED ALWAYS AS (7) STORED",
                "bigint, generated by the database,", "bigint that can be written");
  expectRefused("large", "bigint GENERATED ALWAYS AS IDENTITY",
                "bigint, generated by the database,", "bigint that can be written");
  expectRefused("note", "text NOT NULL DEFAULT ''", "text NOT NULL", "text NULL");
}

// Every put failed with a not-null violation.
TEST_F(PostgresColumnsTest, RefusesAnotherColumnThatNeedsAValue) {
  tableWith("ALTER TABLE samples ADD \"owner\" text NOT NULL");
  expectRefused("column owner is text NOT NULL without a default");
  for (const char* type :
       {"text", "text NOT NULL DEFAULT 'x'", "filled", "bigint GENERATED ALWAYS AS IDENTITY",
        "bigint NOT NULL GENERATED ALWAYS AS (1) STORED"}) {
    tableWith(std::string("ALTER TABLE samples ADD \"owner\" ") + type);
    EXPECT_THAT(create(), IsOk()) << type;
  }
  tableWith(
      "ALTER TABLE samples ADD \"owner\" text NOT NULL;"
      "CREATE FUNCTION own() RETURNS trigger LANGUAGE plpgsql AS"
      " 'BEGIN NEW.owner := ''x''; RETURN NEW; END';"
      "CREATE TRIGGER own BEFORE INSERT ON samples FOR EACH ROW EXECUTE FUNCTION own()");
  auto store = PostgresStore<Sample>::create(pool_, SchemaPolicy::kVerify);
  ASSERT_THAT(store, IsOk());
  EXPECT_THAT((*store)->put({.id = "a"}), IsOk());
}

TEST_F(PostgresColumnsTest, RefusesAPartitionedTableWithoutPartitions) {
  tableWith(
      "ALTER TABLE samples RENAME TO old; CREATE TABLE samples (LIKE old INCLUDING ALL)"
      " PARTITION BY HASH (id); DROP TABLE old");
  expectRefused("a partitioned table without partitions");
  query("CREATE TABLE samples_0 PARTITION OF samples FOR VALUES WITH (MODULUS 1, REMAINDER 0)");
  auto store = PostgresStore<Sample>::create(pool_, SchemaPolicy::kVerify);
  ASSERT_THAT(store, IsOk());
  EXPECT_THAT((*store)->put({.id = "a"}), IsOk());
}

// A second column was added beside it, and all rows read as empty.
TEST_F(PostgresColumnsTest, RefusesAColumnOfAnotherCase) {
  tableWith("ALTER TABLE samples RENAME medium TO \"Medium\"");
  expectRefused("column medium is missing, while there is Medium");
}

TEST_F(PostgresColumnsTest, NeedsTheRightToReadAllColumnsAndToWriteAllOrNone) {
  tableWith("DROP ROLE IF EXISTS clerk; CREATE ROLE clerk LOGIN PASSWORD 'clerk'");
  const auto pool =
      PostgresPool::open({.url = "postgresql://clerk:clerk" + url_.substr(url_.find('@'))}).value();
  const auto clerks = [&] {
    return PostgresStore<Sample>::create(pool, SchemaPolicy::kVerify).status();
  };
  EXPECT_THAT(clerks(),
              StatusIs(kFailedPrecondition, HasSubstr("column text cannot be read by role clerk")));
  query("GRANT SELECT ON samples TO clerk");
  EXPECT_THAT(clerks(), IsOk()) << "one that only reads";
  query("GRANT UPDATE (text) ON samples TO clerk");
  EXPECT_THAT(clerks(), StatusIs(kFailedPrecondition,
                                 HasSubstr("column mood cannot be updated by role clerk")));
  query("GRANT UPDATE, INSERT ON samples TO clerk");
  EXPECT_THAT(clerks(), IsOk());
  query("DROP OWNED BY clerk; DROP ROLE clerk");
}

}  // namespace
}  // namespace strata
