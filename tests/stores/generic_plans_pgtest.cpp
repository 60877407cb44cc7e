// How PostgreSQL runs the statements of a Store<T> whose plans were made while its table was empty:
// the sessions of a new deployment keep them until the statistics of the table are renewed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "strata/factories/unit_of_work_factory.h"
#include "strata/strata.h"
#include "strata/testing/status_matchers.h"
#include "tests/stores/explained_server.h"
#include "tests/stores/plan_checks.h"

namespace strata {

// A key of its own column, and one of two columns of which the first is shared by many.
struct Note {
  std::string title;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Note, (), (title, text))

struct Line {
  std::string book;
  std::int64_t number = 0;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Line, (), (book, number, text))

template <>
struct Entity<Note> {
  static constexpr auto table = "plan_notes";
  static constexpr KeySpace keys{"plans", "note"};
  static std::string id(const Note& note) { return note.title; }
};
template <>
struct Entity<Line> {
  static constexpr auto table = "plan_lines";
  static constexpr KeySpace keys{"plans", "line"};
  static constexpr std::array<std::string_view, 2> key_columns{"book", "number"};
  static Id id(const Line& line) { return {line.book, std::to_string(line.number)}; }
};

namespace {

using testing::IsOk;

// The stores stand in for tables: their calls run on the one connection of their own pool.
class StoresOnOneConnection {
 public:
  explicit StoresOnOneConnection(internal::PostgresSession&) {}

  static void open(const Config& config) {
    ConnectOptions options;
    options.database.pool_size = 1;
    backends = connect(config, options).value();
    notes = createStore<Note>(backends).value();
    lines = createStore<Line>(backends).value();
  }
  static void close() {
    notes.reset();
    lines.reset();
    backends = {};
  }

  static inline Backends backends;
  static inline std::unique_ptr<Store<Note>> notes;
  static inline std::unique_ptr<Store<Line>> lines;
};

class KeptPlans : public PlansOf<StoresOnOneConnection> {
 protected:
  static void SetUpTestSuite() { ASSERT_THAT(start({{"autovacuum", "off"}}), IsOk()); }
  void SetUp() override {
    PlansOf::SetUp();
    StoresOnOneConnection::open(config());
  }
  void TearDown() override {
    StoresOnOneConnection::close();
    PlansOf::TearDown();
  }

  static Id line(int number) { return {"book", std::to_string(number)}; }
  // A read in a unit, locking or not, and what is written after it.
  static absl::Status changeLine(ReadLock lock, int number, bool removes) {
    using Stores = StoresOnOneConnection;
    return runUnit(Stores::backends, [&](UnitOfWork& unit) {
      const auto read = Stores::lines->get(line(number), {.unit = &unit, .lock = lock});
      if (!read.ok()) return read.status();
      if (removes) return Stores::lines->remove(line(number), {.unit = &unit}).status();
      const Line changed{.book = "book", .number = number, .text = "changed"};
      return Stores::lines->put(changed, {.unit = &unit}).status();
    });
  }
};

TEST_P(KeptPlans, OfAStoreReadNoMoreThanTheirRows) {
  using Stores = StoresOnOneConnection;
  // Of twenty ids, in each of a few steps.
  constexpr double kMostMet = 20 * 8;
  std::vector<Id> titles;
  std::vector<Id> numbers;
  for (int i = 0; i < 20; ++i) {
    titles.emplace_back("note-" + std::to_string(i * 1000));
    numbers.push_back(line(i * 1000));
  }
  const auto all = [](const auto& answers) {
    for (const auto& answer : answers) {
      if (!answer.ok()) return answer.status();
    }
    return absl::OkStatus();
  };
  const std::pair<const char*, std::function<absl::Status(Stores&)>> calls[] = {
      {"get", [&](Stores&) { return Stores::notes->get("note-7").status(); }},
      {"get by two columns", [&](Stores&) { return Stores::lines->get(line(7)).status(); }},
      {"get many", [&](Stores&) { return all(Stores::notes->getMany(titles)); }},
      {"get many by two columns", [&](Stores&) { return all(Stores::lines->getMany(numbers)); }},
      {"put", [&](Stores&) { return Stores::notes->put({.title = "note-8"}).status(); }},
      {"put what was read", [&](Stores&) { return changeLine(ReadLock::kNone, 9, false); }},
      {"put what was locked", [&](Stores&) { return changeLine(ReadLock::kForUpdate, 10, false); }},
      {"remove what was read", [&](Stores&) { return changeLine(ReadLock::kNone, 11, true); }},
      {"remove", [&](Stores&) { return Stores::lines->remove(line(12)).status(); }},
  };
  // A new schema voids all plans, also one for temporary tables.
  ask("CREATE TEMP TABLE first (number int)");
  for (const auto& [what, call] : calls) plansOf(what, call);
  std::map<std::string, std::string> costs;
  for (const auto& [what, call] : calls) costs[what] = costOf(plansOf(what, call));
  ask("INSERT INTO plan_notes (id, title) SELECT 'note-' || i, 'note-' || i"
      " FROM generate_series(0, 99999) i ON CONFLICT DO NOTHING");
  ask("INSERT INTO plan_lines (book, number, text) SELECT 'book', i, 'text'"
      " FROM generate_series(0, 99999) i ON CONFLICT DO NOTHING");
  for (const auto& [what, call] : calls) {
    const std::string plans = plansOf(what, call);
    EXPECT_EQ(costOf(plans), costs[what]) << what << ": not the plan that was made before";
    EXPECT_LE(rowsMet(plans), kMostMet) << what << "\n" << plans;
  }
}

INSTANTIATE_TEST_SUITE_P(Kept, KeptPlans, ::testing::Values(PlanMode{}));

}  // namespace
}  // namespace strata
