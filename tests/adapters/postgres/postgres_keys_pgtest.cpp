// What a database can be configured to take for one key, one table or one sequence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/describe.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "strata/adapters/postgres/migrations.h"
#include "strata/adapters/postgres/postgres_store.h"
#include "strata/factories/backends.h"
#include "strata/factories/unit_of_work_factory.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata::pgtest {

struct Person {
  std::string id;
  std::string note;
};
BOOST_DESCRIBE_STRUCT(Person, (), (id, note))

struct Ticket {
  std::uint64_t id = 0;
  std::string note;
};
BOOST_DESCRIBE_STRUCT(Ticket, (), (id, note))

// Its table has an id of its own.
struct Device {
  std::string serial;
};
BOOST_DESCRIBE_STRUCT(Device, (), (serial))

struct Parcel {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(Parcel, (), (id))

}  // namespace strata::pgtest

namespace strata {

template <>
struct Entity<pgtest::Person> {
  static constexpr auto table = "people";
  static constexpr KeySpace keys{"pgtest", "person"};
  static std::string id(const pgtest::Person& person) { return person.id; }
};
template <>
struct Entity<pgtest::Ticket> {
  static constexpr auto table = "tickets";
  static constexpr KeySpace keys{"pgtest", "ticket"};
  static std::string id(const pgtest::Ticket& ticket) { return std::to_string(ticket.id); }
};
template <>
struct Entity<pgtest::Device> {
  static constexpr auto table = "devices";
  static constexpr KeySpace keys{"pgtest", "device"};
  static std::string id(const pgtest::Device& device) { return device.serial; }
};
template <>
struct Entity<pgtest::Parcel> {
  static constexpr auto table = "shop.parcels";
  static constexpr KeySpace keys{"pgtest", "parcel"};
  static std::string id(const pgtest::Parcel& parcel) { return parcel.id; }
};

namespace {

using pgtest::Device;
using pgtest::Parcel;
using pgtest::Person;
using pgtest::Ticket;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::LocalPostgres;
using testing::sharedServers;
using testing::StatusIs;

constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;
constexpr auto kInvalidArgument = absl::StatusCode::kInvalidArgument;
constexpr auto kInternal = absl::StatusCode::kInternal;

class PostgresKeysTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto url = server().createDatabase("keys_test");
    ASSERT_THAT(url, IsOk());
    url_ = *std::move(url);
    pool_ = open(url_);
    query(
        "CREATE SEQUENCE strata_row_version; CREATE EXTENSION citext;"
        "CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2',"
        " deterministic = false);"
        "CREATE DOMAIN nick AS text COLLATE no_case; CREATE DOMAIN short_nick AS nick;"
        "CREATE DOMAIN handle AS citext; CREATE TYPE size AS ENUM ('s', 'm');"
        "CREATE DOMAIN code AS varchar(5); CREATE DOMAIN word AS text CHECK (VALUE <> '')");
  }

  static LocalPostgres& server() { return sharedServers().postgres(); }
  static std::shared_ptr<PostgresPool> open(const std::string& url) {
    auto pool = PostgresPool::open({.url = url});
    EXPECT_THAT(pool, IsOk());
    return *std::move(pool);
  }
  std::string query(const std::string& sql) {
    const auto rows = server().query(sql, "keys_test");
    EXPECT_THAT(rows, IsOk()) << sql;
    return rows.ok() && !rows->empty() ? (*rows)[0][0].value_or("NULL") : "";
  }
  // As people define it by hand.
  void createTable(const std::string& name, const std::string& columns) {
    query("DROP TABLE IF EXISTS " + name + "; CREATE TABLE " + name + " (" + columns +
          ", row_version bigint NOT NULL DEFAULT nextval('strata_row_version'))");
  }
  void createPeople(const std::string& id = "text PRIMARY KEY") {
    createTable("people", "id " + id + ", note text");
  }
  template <typename T>
  absl::Status create() {
    return PostgresStore<T>::create(pool_).status();
  }
  std::unique_ptr<PostgresStore<Person>> people() {
    auto store = PostgresStore<Person>::create(pool_);
    EXPECT_THAT(store, IsOk());
    return *std::move(store);
  }
  // A pool of a role of its own, whose search_path is `path`.
  std::shared_ptr<PostgresPool> openAs(const std::string& role, const std::string& path) {
    query("DROP ROLE IF EXISTS " + role + "; CREATE ROLE " + role + " LOGIN PASSWORD 'x';" +
          "GRANT pg_read_all_data, pg_write_all_data TO " + role + "; ALTER ROLE " + role +
          " SET search_path = " + path);
    return open("postgresql://" + role + ":x" + url_.substr(url_.find('@')));
  }

  std::string url_;
  std::shared_ptr<PostgresPool> pool_;
};

// put("bob") overwrote Bob, and the cached copy of Bob survived.
TEST_F(PostgresKeysTest, RefusesKeysOfWhichTextsThatDifferAreOne) {
  struct Case {
    std::string type;
    std::string why;
  };
  for (const Case& c : std::vector<Case>{{"text COLLATE no_case", "nondeterministic"},
                                         {"varchar(20) COLLATE no_case", "\"no_case\""},
                                         {"nick", "\"no_case\""},
                                         {"short_nick", "\"no_case\""},
                                         {"citext", "is citext"},
                                         {"handle", "is citext"},
                                         {"char(9)", "is character(n)"},
                                         {"name", "is name"},
                                         {"size", "is enum"}}) {
    createPeople(c.type + " PRIMARY KEY");
    EXPECT_THAT(create<Person>(),
                StatusIs(kFailedPrecondition, AllOf(HasSubstr("people"), HasSubstr("key column id"),
                                                    HasSubstr(c.why), HasSubstr("; use "))))
        << c.type;
  }
}

TEST_F(PostgresKeysTest, RefusesNumericKeysOfWhichNumbersThatReadDifferentlyAreOne) {
  for (const char* type : {"numeric", "numeric(20, 2)"}) {
    createTable("tickets", std::string("id ") + type + " PRIMARY KEY, note text");
    EXPECT_THAT(create<Ticket>(),
                StatusIs(kFailedPrecondition, AllOf(HasSubstr("key column id"),
                                                    HasSubstr("numeric"), HasSubstr("bigint"))));
  }
  createTable("tickets", "id double precision PRIMARY KEY, note text");
  EXPECT_THAT(create<Ticket>(), StatusIs(kFailedPrecondition, HasSubstr("column id")));
  createTable("tickets", "id numeric(20) PRIMARY KEY, note text");
  EXPECT_THAT(create<Ticket>(), IsOk());
}

TEST_F(PostgresKeysTest, TakesKeysOfExactTypes) {
  for (const char* type : {"text", "text COLLATE \"C\"", "text COLLATE \"und-x-icu\"", "varchar",
                           "varchar(20)", "word", "code"}) {
    createPeople(std::string(type) + " PRIMARY KEY");
    EXPECT_THAT(create<Person>(), IsOk()) << type;
  }
}

// ON CONFLICT (id) takes every unique index of the column for its own.
TEST_F(PostgresKeysTest, RefusesAUniqueIndexOfANondeterministicCollation) {
  createPeople();
  query("CREATE UNIQUE INDEX people_by_nick ON people (id COLLATE no_case)");
  EXPECT_THAT(create<Person>(), StatusIs(kFailedPrecondition, HasSubstr("people_by_nick")));
}

TEST_F(PostgresKeysTest, RefusesADeferrableKey) {
  createPeople("text PRIMARY KEY DEFERRABLE");
  EXPECT_THAT(create<Person>(), StatusIs(kFailedPrecondition, HasSubstr("no unique index")));
}

// The collation of a database is deterministic, whatever its locale.
TEST_F(PostgresKeysTest, KeepsKeysApartInADatabaseOfALooseLocale) {
  const auto ignored = server().query("DROP DATABASE IF EXISTS loose_test");
  ASSERT_THAT(server().query("CREATE DATABASE loose_test TEMPLATE template0 LOCALE_PROVIDER icu"
                             " ICU_LOCALE 'und-u-ks-level1'"),
              IsOk());
  const auto store = PostgresStore<Person>::create(open(server().url("loose_test")));
  ASSERT_THAT(store, IsOk());
  ASSERT_THAT((*store)->put({.id = "Bob", .note = "first"}), IsOk());
  ASSERT_THAT((*store)->put({.id = "bob", .note = "second"}), IsOk());
  EXPECT_EQ((**(*store)->get("Bob")).note, "first");
}

// The server cut the blanks and overwrote the row of the shorter key.
TEST_F(PostgresKeysTest, TakesBlanksBeyondTheLengthOfAKeyForAnotherKey) {
  for (const char* type : {"varchar(5)", "code"}) {
    createPeople(std::string(type) + " PRIMARY KEY");
    const auto store = people();
    ASSERT_THAT(store->put({.id = "grün!", .note = "first"}), IsOk());
    const auto too_long = StatusIs(kInvalidArgument, HasSubstr("more than 5 characters"));
    EXPECT_THAT(store->put({.id = "grün!  ", .note = "second"}), too_long);
    EXPECT_THAT(store->get("grün!  "), too_long);
    EXPECT_EQ((**store->get("grün!")).note, "first");
  }
}

// A second spelling of an id found the row too, and a cache kept a second copy of it.
TEST_F(PostgresKeysTest, TakesOneSpellingOfAnIdInAColumnOfItsOwn) {
  createTable("devices", "id bigint PRIMARY KEY, serial text");
  auto devices = PostgresStore<Device>::create(pool_);
  ASSERT_THAT(devices, IsOk());
  ASSERT_THAT((*devices)->put({.serial = "7"}), IsOk());
  EXPECT_THAT((*devices)->get("007"), StatusIs(kInvalidArgument));
  EXPECT_THAT((*devices)->put({.serial = "007"}), StatusIs(kInvalidArgument));
  EXPECT_THAT((*devices)->remove("+7"), StatusIs(kInvalidArgument));
  EXPECT_EQ((**(*devices)->get("7")).serial, "7");
}

TEST_F(PostgresKeysTest, NeverTakesARowOfAnotherKeyForTheRightOne) {
  createPeople();
  const auto store = people();
  ASSERT_THAT(store->put({.id = "Bob"}), IsOk());
  query("ALTER TABLE people ALTER id TYPE text COLLATE no_case");
  const auto wrong = StatusIs(kInternal, HasSubstr("another key"));
  auto connects = pool_->stats().connects;
  const auto expect_another_connection = [&] {
    EXPECT_THAT(store->get("Bob"), IsOk());
    EXPECT_GT(pool_->stats().connects, connects);
    connects = pool_->stats().connects;
  };
  EXPECT_THAT(store->get("bob"), wrong);
  expect_another_connection();
  const std::vector<Id> ids{"bob", "eve"};
  for (const auto& answer : store->getMany(ids)) EXPECT_THAT(answer, wrong);
  expect_another_connection();
  EXPECT_THAT(store->put({.id = "bob"}), wrong);
  expect_another_connection();
}

TEST_F(PostgresKeysTest, AWrongRowEndsAUnitOfWorkAndItsConnection) {
  createPeople();
  const auto store = people();
  ASSERT_THAT(store->put({.id = "Bob"}), IsOk());
  query("ALTER TABLE people ALTER id TYPE text COLLATE no_case");
  Backends backends;
  backends.database = pool_;
  {
    auto unit = beginUnitOfWork(backends);
    ASSERT_THAT(unit, IsOk());
    EXPECT_THAT(store->get("bob", {.unit = unit->get()}), StatusIs(kInternal));
    EXPECT_THAT((*unit)->commit(), StatusIs(kFailedPrecondition));
  }
  EXPECT_EQ(pool_->stats().open, 0U);
}

TEST_F(PostgresKeysTest, RefusesWhatIsNoPlainTable) {
  createPeople();
  query("ALTER TABLE people RENAME TO persons; CREATE VIEW people AS SELECT * FROM persons");
  EXPECT_THAT(create<Person>(), StatusIs(kFailedPrecondition, HasSubstr("it is a view")));
  query(
      "DROP VIEW people; CREATE MATERIALIZED VIEW people AS SELECT * FROM persons;"
      "CREATE UNIQUE INDEX ON people (id)");
  EXPECT_THAT(create<Person>(),
              StatusIs(kFailedPrecondition, HasSubstr("it is a materialized view")));
  query(
      "DROP MATERIALIZED VIEW people; CREATE TABLE people (LIKE persons INCLUDING ALL);"
      "CREATE TABLE staff () INHERITS (people)");
  EXPECT_THAT(create<Person>(), StatusIs(kFailedPrecondition, HasSubstr("inherit")));
  query("DROP TABLE staff; CREATE RULE keep AS ON DELETE TO people DO INSTEAD NOTHING");
  EXPECT_THAT(create<Person>(), StatusIs(kFailedPrecondition, HasSubstr("(keep)")));
  query("ALTER TABLE people DISABLE RULE keep");
  EXPECT_THAT(create<Person>(), IsOk());
}

TEST_F(PostgresKeysTest, TakesAPartitionedTable) {
  query(
      "CREATE TABLE people (id text PRIMARY KEY, note text,"
      " row_version bigint NOT NULL DEFAULT nextval('strata_row_version')) PARTITION BY HASH (id);"
      "CREATE TABLE people_0 PARTITION OF people FOR VALUES WITH (MODULUS 2, REMAINDER 0);"
      "CREATE TABLE people_1 PARTITION OF people FOR VALUES WITH (MODULUS 2, REMAINDER 1)");
  const auto store = people();
  for (const char* id : {"a", "b", "c", "d"}) {
    ASSERT_THAT(store->put({.id = id, .note = "one"}), IsOk());
    ASSERT_THAT(store->put({.id = id, .note = "two"}), IsOk());
    EXPECT_EQ((**store->get(id)).note, "two");
    EXPECT_THAT(store->remove(id), IsOk());
    EXPECT_EQ(*store->get(id), nullptr);
  }
}

// Rows that a role may not see were cached as absent for every other role.
TEST_F(PostgresKeysTest, RefusesATableWhoseRowsAreHiddenFromTheRole) {
  createPeople();
  query("ALTER TABLE people ENABLE ROW LEVEL SECURITY");
  EXPECT_THAT(create<Person>(), IsOk()) << "a superuser";
  const auto clerk = openAs("clerk", "public");
  EXPECT_THAT(
      PostgresStore<Person>::create(clerk),
      StatusIs(kFailedPrecondition,
               AllOf(HasSubstr("people"), HasSubstr("row-level security"), HasSubstr("clerk"))));
}

// put answered OK, with version 0.
TEST_F(PostgresKeysTest, TellsOfARowThatATriggerKeptOutOrGaveAnotherKey) {
  createPeople();
  const auto store = people();
  query(
      "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
      " IF NEW.note = 'lower' THEN NEW.id := lower(NEW.id); RETURN NEW; END IF;"
      " RETURN NULL; END $$; CREATE TRIGGER refuse BEFORE INSERT ON people"
      " FOR EACH ROW EXECUTE FUNCTION refuse()");
  EXPECT_THAT(store->put({.id = "Bob"}),
              StatusIs(kFailedPrecondition, HasSubstr("no row was stored")));
  EXPECT_THAT(store->put({.id = "Bob", .note = "lower"}), StatusIs(kInternal));
}

// Versions of a sequence that each session has a part of do not grow with the writes.
TEST_F(PostgresKeysTest, RefusesASequenceThatDoesNotCountInOrder) {
  createPeople();
  for (const char* how : {"CACHE 20", "CYCLE", "INCREMENT -1 MINVALUE -100 START -1 RESTART"}) {
    query(std::string("ALTER SEQUENCE strata_row_version ") + how);
    EXPECT_THAT(create<Person>(), StatusIs(kFailedPrecondition, HasSubstr("strata_row_version")))
        << how;
    query(
        "DROP TABLE people; DROP SEQUENCE strata_row_version; CREATE SEQUENCE strata_row_version");
    createPeople();
  }
}

// Each role made a sequence of its own, and a newer row could have the lower version.
TEST_F(PostgresKeysTest, RolesOfDifferentSearchPathsShareATableAndItsVersions) {
  query(
      "CREATE SCHEMA shop; CREATE SCHEMA a; CREATE SCHEMA b; GRANT ALL ON SCHEMA a, b TO PUBLIC;"
      "DROP SEQUENCE strata_row_version; CREATE SEQUENCE a.strata_row_version;"
      "CREATE TABLE shop.parcels (id text PRIMARY KEY,"
      " row_version bigint NOT NULL DEFAULT nextval('a.strata_row_version'))");
  auto first = PostgresStore<Parcel>::create(openAs("role_a", "a"));
  auto second = PostgresStore<Parcel>::create(openAs("role_b", "b"));
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(second, IsOk());
  Version last;
  for (int i = 0; i < 3; ++i) {
    for (auto* store : {first->get(), second->get()}) {
      const auto version = store->put({.id = "x"});
      ASSERT_THAT(version, IsOk());
      EXPECT_GT(*version, last);
      last = *version;
    }
  }
  EXPECT_EQ(query("SELECT to_regclass('b.strata_row_version')"), "NULL");
}

TEST_F(PostgresKeysTest, NamesASearchPathThatLeadsNowhere) {
  query("DROP SEQUENCE strata_row_version; CREATE SCHEMA shop");
  const auto named = StatusIs(kFailedPrecondition, HasSubstr("search_path"));
  constexpr Migration kMigrations[] = {{"shop", 1, "none", "SELECT 1"}};
  for (const char* path : {"''", "nowhere"}) {
    const auto pool = openAs("lost", path);
    EXPECT_THAT(PostgresStore<Person>::create(pool), named) << path;
    EXPECT_THAT(PostgresStore<Parcel>::create(pool), named) << path;
    EXPECT_THAT(applyMigrations(*pool, kMigrations), named) << path;
  }
}

TEST_F(PostgresKeysTest, NamesTheSchemaOfATableThatDoesNotFit) {
  createTable("people", "id text, note text");
  EXPECT_THAT(create<Person>(),
              StatusIs(kFailedPrecondition, HasSubstr("table people of schema public")));
}

// Of a session that somebody gave another search_path.
TEST_F(PostgresKeysTest, KeepsToItsTableWhateverSearchPathBecomes) {
  const auto store = people();
  ASSERT_THAT(store->put({.id = "a", .note = "ours"}), IsOk());
  query(
      "CREATE SCHEMA other; CREATE TABLE other.people (LIKE public.people INCLUDING ALL);"
      "INSERT INTO other.people VALUES ('a', 'theirs')");
  ASSERT_THAT(pool_->execute("SET search_path = other"), IsOk());
  EXPECT_EQ((**store->get("a")).note, "ours");
  EXPECT_THAT(store->put({.id = "b"}), IsOk());
  EXPECT_EQ(pool_->stats().connects, 1U);
}

}  // namespace
}  // namespace strata
