// What is PostgreSQL's own; what every store does is in the conformance suite.
#include "strata/adapters/postgres/postgres_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <barrier>
#include <boost/describe.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata::pgtest {

BOOST_DEFINE_ENUM_CLASS(Color, kRed, kGreen)

struct Flag {
  std::string name;
  Color color = Color::kRed;
  std::vector<std::string> audiences;
  std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(Flag, (), (name, color, audiences, note))

struct Member {
  std::string tenant;
  std::int32_t number = 0;
  std::string role;
};
BOOST_DESCRIBE_STRUCT(Member, (), (tenant, number, role))

struct Document {
  std::string id;
  std::string title;
};
BOOST_DESCRIBE_STRUCT(Document, (), (id, title))

struct Note {
  std::string id;
  Json metadata;
  std::optional<Json> usage;
};
BOOST_DESCRIBE_STRUCT(Note, (), (id, metadata, usage))

// Its id is not what its key column says.
struct Liar {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(Liar, (), (id))

}  // namespace strata::pgtest

namespace strata {

template <>
struct Entity<pgtest::Flag> {
  static constexpr auto table = "flags";
  static constexpr KeySpace keys{"pgtest", "flag"};
  static std::string id(const pgtest::Flag& flag) { return flag.name; }
};
template <>
struct Entity<pgtest::Member> {
  static constexpr auto table = "members";
  static constexpr KeySpace keys{"pgtest", "member"};
  static constexpr std::array<std::string_view, 2> key_columns{"tenant", "number"};
  static Id id(const pgtest::Member& m) { return Id{m.tenant, std::to_string(m.number)}; }
};
template <>
struct Entity<pgtest::Document> {
  static constexpr auto table = "documents";
  static constexpr KeySpace keys{"pgtest", "document"};
  static std::string id(const pgtest::Document& document) { return document.id; }
};
template <>
struct Entity<pgtest::Note> {
  static constexpr auto table = "notes";
  static constexpr KeySpace keys{"pgtest", "note"};
  static std::string id(const pgtest::Note& note) { return note.id; }
};
template <>
struct Entity<pgtest::Liar> {
  static constexpr auto table = "liars";
  static constexpr KeySpace keys{"pgtest", "liar"};
  static std::string id(const pgtest::Liar&) { return "something else"; }
};

namespace {

using pgtest::Color;
using pgtest::Document;
using pgtest::Flag;
using pgtest::Liar;
using pgtest::Member;
using pgtest::Note;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalPostgres;
using testing::LocalServers;
using ::testing::Not;
using testing::sharedServers;
using testing::StatusIs;

const std::string kUuid = "0f5c12a4-9d5e-4d6b-8a43-2f6a3b1c7d90";

// Every test has a database of its own.
class PostgresStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto url = server().createDatabase("store_test");
    ASSERT_THAT(url, IsOk());
    auto pool = PostgresPool::open({.url = *url});
    ASSERT_THAT(pool, IsOk());
    pool_ = *std::move(pool);
  }

  static LocalPostgres& server() { return sharedServers().postgres(); }

  std::vector<LocalPostgres::Row> query(const std::string& sql) {
    auto rows = server().query(sql, "store_test");
    EXPECT_THAT(rows, IsOk()) << sql;
    return rows.ok() ? *std::move(rows) : std::vector<LocalPostgres::Row>{};
  }

  template <typename T>
  std::unique_ptr<PostgresStore<T>> createStore() {
    auto store = PostgresStore<T>::create(pool_);
    EXPECT_THAT(store, IsOk());
    return *std::move(store);
  }

  std::shared_ptr<PostgresPool> pool_;
};

// B-9
TEST_F(PostgresStoreTest, NamesTableAndColumnOfARowThatIsNotAT) {
  auto flags = createStore<Flag>();
  ASSERT_THAT(flags->put({.name = "a"}), IsOk());
  ASSERT_THAT(flags->put({.name = "b"}), IsOk());
  query("UPDATE flags SET color = 'mauve' WHERE name = 'a'");
  const auto bad = StatusIs(absl::StatusCode::kDataLoss,
                            AllOf(HasSubstr("flags.color"), Not(HasSubstr("mauve"))));
  EXPECT_THAT(flags->get("a"), bad);
  const std::vector<Id> ids{"a", "b"};
  const auto answers = flags->getMany(ids);
  EXPECT_THAT(answers[0], bad);
  ASSERT_THAT(answers[1], IsOk());
  EXPECT_NE(*answers[1], nullptr);
  query("UPDATE flags SET color = 'red', audiences = '{\"s3cret\": 1}' WHERE name = 'a'");
  EXPECT_THAT(flags->get("a"),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("flags.audiences"), Not(HasSubstr("s3cret")))));
}

// B-7. PostgreSQL spells what it stores in a way of its own.
TEST_F(PostgresStoreTest, GivesBackTheTextOfAJson) {
  auto notes = createStore<Note>();
  const char* const kSpelling =
      R"({"bb":1E2,"é":[-0.0,1.50,1e300,5e-324,1e22,18446744073709551615,9007199254740993e0,0.1],)"
      R"("a":{"y":[],"x":{"\u00e9":null}},"a":{"z":"\u0001\ud83c\udf89","yy":{}},"aaa":""})";
  const auto metadata = Json::parse(kSpelling);
  ASSERT_THAT(metadata, IsOk());
  ASSERT_THAT(notes->put({.id = "ours", .metadata = *metadata}), IsOk());
  EXPECT_NE(query("SELECT metadata::text FROM notes")[0][0], metadata->text());
  query(std::string("INSERT INTO notes (id, metadata, usage) VALUES ('theirs', '") + kSpelling +
        "', 'null')");
  for (const char* id : {"ours", "theirs"}) {
    const auto note = notes->get(id);
    ASSERT_THAT(note, IsOk());
    EXPECT_EQ((*note)->metadata.text(), metadata->text()) << id;
    EXPECT_EQ((*note)->usage, std::nullopt) << id;
  }
}

TEST_F(PostgresStoreTest, ReadsAJsonThatNoStoreWrote) {
  auto notes = createStore<Note>();
  query("INSERT INTO notes (id) VALUES ('fresh')");
  EXPECT_EQ((**notes->get("fresh")).metadata, Json());
  query("UPDATE notes SET metadata = 'null', usage = '{\"b\": 1.0, \"a\": [true]}'");
  EXPECT_EQ((**notes->get("fresh")).metadata, Json());
  EXPECT_EQ((**notes->get("fresh")).usage->text(), R"({"a":[true],"b":1})");
  // jsonb holds numbers that no double does.
  query("UPDATE notes SET metadata = '{\"s3cret\": 1e400}'");
  EXPECT_THAT(notes->get("fresh"),
              StatusIs(absl::StatusCode::kDataLoss,
                       AllOf(HasSubstr("notes.metadata"), Not(HasSubstr("s3cret")))));
}

// B-10
TEST_F(PostgresStoreTest, TakesSqlInIdsAndFieldsForData) {
  auto flags = createStore<Flag>();
  const std::string hostile = "'; DROP TABLE flags; -- $1 :x \" \\ {},NULL";
  ASSERT_THAT(flags->put({.name = hostile, .audiences = {hostile}, .note = hostile}), IsOk());
  const std::vector<Id> ids{hostile, "NULL", "{}", "\"", "\\"};
  const auto answers = flags->getMany(ids);
  ASSERT_THAT(answers[0], IsOk());
  ASSERT_NE(*answers[0], nullptr);
  EXPECT_EQ((*answers[0])->note, hostile);
  EXPECT_EQ((*answers[0])->audiences, std::vector{hostile});
  for (std::size_t i = 1; i < ids.size(); ++i) {
    ASSERT_THAT(answers[i], IsOk());
    EXPECT_EQ(*answers[i], nullptr);
  }
  EXPECT_THAT(flags->remove(hostile), IsOk());
}

TEST_F(PostgresStoreTest, KeepsCompositeKeysApart) {
  auto members = createStore<Member>();
  ASSERT_THAT(members->put({.tenant = "a:b", .number = 1, .role = "first"}), IsOk());
  ASSERT_THAT(members->put({.tenant = "a", .number = 1, .role = "second"}), IsOk());
  ASSERT_THAT(members->put({.tenant = "a", .number = -2, .role = "third"}), IsOk());
  const std::vector<Id> ids{Id{"a", "1"}, Id{"a:b", "1"}, Id{"a:b", "-2"}, Id{"a", "-2"},
                            Id{"a", "1"}};
  const auto answers = members->getMany(ids);
  EXPECT_EQ((*answers[0])->role, "second");
  EXPECT_EQ((*answers[1])->role, "first");
  EXPECT_EQ(*answers[2], nullptr);
  EXPECT_EQ((*answers[3])->role, "third");
  EXPECT_EQ(*answers[4], *answers[0]);
  ASSERT_THAT(members->remove(Id{"a", "1"}), IsOk());
  EXPECT_EQ(*members->get(Id{"a", "1"}), nullptr);
  EXPECT_EQ((**members->get(Id{"a:b", "1"})).role, "first");
}

// A second spelling of one row's key would be a second key in every cache.
TEST_F(PostgresStoreTest, RefusesIdsThatAreNotKeysOfTheTable) {
  auto members = createStore<Member>();
  ASSERT_THAT(members->put({.tenant = "a", .number = 7}), IsOk());
  const auto refused = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("members"));
  for (const Id& id : {Id("a"), Id{"a", "007"}, Id{"a", "+7"}, Id{"a", "seven"}, Id{"a", "7", "x"},
                       Id{"a", "99999999999"}, Id{"a", ""}}) {
    EXPECT_THAT(members->get(id), refused) << id.canonical();
    EXPECT_THAT(members->remove(id), refused) << id.canonical();
  }
  const std::vector<Id> ids{Id{"a", "seven"}, Id{"a", "7"}};
  const auto answers = members->getMany(ids);
  EXPECT_THAT(answers[0], refused);
  ASSERT_THAT(answers[1], IsOk());
  EXPECT_NE(*answers[1], nullptr);
}

TEST_F(PostgresStoreTest, WorksOnAUuidColumn) {
  query(
      "CREATE SEQUENCE strata_row_version; CREATE TABLE documents (id uuid PRIMARY KEY, "
      "title varchar(20), row_version bigint DEFAULT nextval('strata_row_version'))");
  auto documents = createStore<Document>();
  ASSERT_THAT(documents->put({.id = kUuid, .title = "one"}), IsOk());
  EXPECT_EQ((**documents->get(kUuid)).title, "one");
  const std::vector<Id> ids{"not a uuid", kUuid};
  const auto answers = documents->getMany(ids);
  EXPECT_THAT(answers[0], StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ((*answers[1])->title, "one");
  std::string capitals = kUuid;
  std::ranges::transform(capitals, capitals.begin(), ::toupper);
  EXPECT_THAT(documents->get(capitals), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(documents->put({.id = capitals}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(documents->put({.id = kUuid, .title = "much longer than twenty"}),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("documents"), Not(HasSubstr("much longer")))));
  EXPECT_THAT(documents->remove(kUuid), IsOk());
}

TEST_F(PostgresStoreTest, RefusesAnItemWhoseIdIsNotItsKey) {
  auto liars = createStore<Liar>();
  EXPECT_THAT(liars->put({.id = "x"}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("key column id")));
}

// A server that counts its queries.
TEST(PostgresStoreQueries, AnswerTenThousandIdsWithOneQuery) {
  const auto servers = LocalServers::start(
      {.postgres = true,
       .postgres_settings = {{"shared_preload_libraries", "pg_stat_statements"}}});
  ASSERT_THAT(servers, IsOk());
  LocalPostgres& server = (*servers)->postgres();
  auto pool = PostgresPool::open({.url = server.url()});
  ASSERT_THAT(pool, IsOk());
  auto flags = PostgresStore<Flag>::create(*pool);
  ASSERT_THAT(flags, IsOk());
  ASSERT_THAT(server.query("CREATE EXTENSION pg_stat_statements; INSERT INTO flags (id, name) "
                           "SELECT 'f' || n, 'f' || n FROM generate_series(1, 300) n"),
              IsOk());
  const auto calls = [&server] {
    const auto rows = server.query(
        "SELECT sum(calls) FROM pg_stat_statements WHERE query LIKE '%\"flags\" WHERE%'");
    return rows.ok() ? (*rows)[0][0].value_or("0") : std::string(rows.status().message());
  };
  std::vector<Id> ids;
  for (int i = 0; i < 10'001; ++i) ids.emplace_back("f" + std::to_string(i));
  const auto few = (*flags)->getMany(absl::MakeSpan(ids).first(400));
  EXPECT_EQ(std::ranges::count_if(few, [](const auto& f) { return f.ok() && *f != nullptr; }), 300);
  EXPECT_EQ(calls(), "1");
  const auto many = (*flags)->getMany(ids);
  EXPECT_EQ(std::ranges::count_if(many, [](const auto& f) { return f.ok(); }), 10'001);
  EXPECT_EQ(calls(), "3");
}

TEST_F(PostgresStoreTest, GivesEachWriteANewerVersion) {
  auto flags = createStore<Flag>();
  Version last;
  for (int i = 0; i < 3; ++i) {
    const auto put = flags->put({.name = "a"});
    ASSERT_THAT(put, IsOk());
    EXPECT_GT(*put, last);
    EXPECT_EQ(flags->get("a")->version(), *put);
    const auto again = flags->put({.name = "a", .note = "changed"});
    ASSERT_THAT(again, IsOk());
    EXPECT_GT(*again, *put);
    const auto removed = flags->remove("a");
    ASSERT_THAT(removed, IsOk());
    EXPECT_GT(*removed, *again);
    const auto absent = flags->remove("a");
    ASSERT_THAT(absent, IsOk());
    EXPECT_GT(*absent, *removed);
    last = *absent;
  }
}

TEST_F(PostgresStoreTest, HandlesRowsThatNoStoreWrote) {
  auto flags = createStore<Flag>();
  query("ALTER TABLE flags ALTER row_version DROP NOT NULL");
  query("INSERT INTO flags (id, name, row_version) VALUES ('a', 'a', NULL), ('b', 'b', DEFAULT)");
  EXPECT_EQ(flags->get("a")->version(), Version{});
  EXPECT_GT(flags->get("b")->version(), Version{});
  for (const char* id : {"a", "b"}) {
    EXPECT_THAT(flags->remove(id), IsOk());
    EXPECT_EQ(*flags->get(id), nullptr);
  }
}

// COHERENCE 41. With a plain nextval an INSERT that waits for a DELETE of the same row arrives with
// a version below that DELETE's, and a DELETE that misses a row that is being inserted answers with
// one above it.
TEST_F(PostgresStoreTest, WritersThatRaceLeaveTheRowOfTheNewestVersion) {
  constexpr int kWriters = 4;
  constexpr int kRounds = 300;
  auto flags = createStore<Flag>();
  std::barrier round(kWriters + 1);
  std::array<Version, kWriters> versions;
  std::vector<std::thread> writers;
  for (int w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < kRounds; ++i) {
        round.arrive_and_wait();
        const auto version =
            w % 2 == 0 ? flags->put({.name = "a", .note = std::to_string(w)}) : flags->remove("a");
        EXPECT_THAT(version, IsOk());
        versions[static_cast<std::size_t>(w)] = version.value_or(Version{});
        round.arrive_and_wait();
      }
    });
  }
  for (int i = 0; i < kRounds; ++i) {
    round.arrive_and_wait();
    round.arrive_and_wait();
    const auto newest = std::ranges::max_element(versions) - versions.begin();
    const auto flag = flags->get("a");
    ASSERT_THAT(flag, IsOk());
    if (newest % 2 == 1) {
      EXPECT_EQ(*flag, nullptr) << "round " << i;
    } else {
      ASSERT_NE(*flag, nullptr) << "round " << i;
      EXPECT_EQ((*flag)->note, std::to_string(newest));
      EXPECT_EQ(flag->version(), versions[static_cast<std::size_t>(newest)]);
    }
  }
  for (std::thread& writer : writers) writer.join();
}

TEST_F(PostgresStoreTest, GoesOnWhenATableIsAlteredUnderItsStatements) {
  auto documents = createStore<Document>();
  ASSERT_THAT(documents->put({.id = "a", .title = "one"}), IsOk());
  ASSERT_THAT(documents->get("a"), IsOk());
  query("ALTER TABLE documents ALTER title TYPE varchar(50), ADD surprise int DEFAULT 1");
  EXPECT_EQ((**documents->get("a")).title, "one");
  EXPECT_THAT(documents->put({.id = "a", .title = "two"}), IsOk());
}

TEST_F(PostgresStoreTest, WorksWithoutPreparedStatements) {
  auto pool = PostgresPool::open(
      {.url = server().url("store_test"), .prepare_statements = PrepareStatements::kOff});
  ASSERT_THAT(pool, IsOk());
  auto flags = PostgresStore<Flag>::create(*pool);
  ASSERT_THAT(flags, IsOk());
  for (const char* note : {"one", "two"}) {
    ASSERT_THAT((*flags)->put({.name = "a", .note = note}), IsOk());
    EXPECT_EQ((**(*flags)->get("a")).note, note);
  }
}

TEST_F(PostgresStoreTest, AppliesConstraintsOfTheDatabaseWithoutQuotingTheRow) {
  auto flags = createStore<Flag>();
  query("ALTER TABLE flags ADD CHECK (note <> 's3cret')");
  EXPECT_THAT(flags->put({.name = "a", .note = "s3cret"}),
              StatusIs(absl::StatusCode::kFailedPrecondition,
                       AllOf(HasSubstr("put to flags"), HasSubstr("check violation"),
                             Not(HasSubstr("s3cret")))));
}

std::size_t bytesInUse() {
  const struct mallinfo2 heap = ::mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

TEST_F(PostgresStoreTest, KeepsNothingOfWritesThatFail) {
  auto flags = createStore<Flag>();
  query("ALTER TABLE flags ADD CHECK (length(note) < 10)");
  const Flag refused{.name = "a", .note = std::string(64 * 1024, 'x')};
  EXPECT_THAT(flags->put(refused), Not(IsOk()));
  const std::size_t before = bytesInUse();
  for (int i = 0; i < 100; ++i) EXPECT_THAT(flags->put(refused), Not(IsOk()));
  EXPECT_LT(bytesInUse(), before + 10 * refused.note->size());
}

// B-11
TEST_F(PostgresStoreTest, ServesManyThreads) {
  auto flags = createStore<Flag>();
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      const std::string mine = "f" + std::to_string(t % 4);
      const std::vector<Id> ids{"f0", "f1", "f2", "f3"};
      for (int i = 0; i < 50; ++i) {
        EXPECT_THAT(flags->put({.name = mine, .note = std::to_string(i)}), IsOk());
        EXPECT_THAT(flags->get(mine, {.deadline = Deadline::in(absl::Seconds(60))}), IsOk());
        for (const auto& answer : flags->getMany(ids)) EXPECT_THAT(answer, IsOk());
        if (i % 10 == 9) {
          EXPECT_THAT(flags->remove(mine), IsOk());
        }
      }
      EXPECT_THAT(flags->put({.name = mine, .note = "last"}), IsOk());
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ((**flags->get("f0")).note, "last");
}

}  // namespace
}  // namespace strata
