// One row and two binaries with different versions of its type: what each reads of the other's
// copies while a release is deployed. And stores whose keys are the same by mistake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <cstdint>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "src/base/randomness.h"
#include "strata/base/hash.h"
#include "strata/base/nonce.h"
#include "strata/records/json_codec.h"
#include "tests/decorators/caching_fixture.h"

namespace strata {
namespace caching_test {

// A release that puts another member in place of one, and a name more into an enum.
struct RenamedNote {
  std::string id;
  std::string body;
};
BOOST_DESCRIBE_STRUCT(RenamedNote, (), (id, body))

enum class State { kOpen };
BOOST_DESCRIBE_ENUM(State, kOpen)
enum class MoreState { kOpen, kClosed };
BOOST_DESCRIBE_ENUM(MoreState, kOpen, kClosed)
struct Task {
  std::string id;
  State state = State::kOpen;
};
BOOST_DESCRIBE_STRUCT(Task, (), (id, state))
struct NewerTask {
  std::string id;
  MoreState state = MoreState::kOpen;
};
BOOST_DESCRIBE_STRUCT(NewerTask, (), (id, state))

// Another entity under the keys of notes.
struct Memo {
  std::string id;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Memo, (), (id, text))

template <typename T>
struct EntityOf {
  static constexpr KeySpace keys{"notes", "note"};
  static std::string id(const T& record) { return record.id; }
};

}  // namespace caching_test

template <>
struct Entity<caching_test::RenamedNote> : caching_test::EntityOf<caching_test::RenamedNote> {
  static constexpr auto table = "notes";
};
template <>
struct Entity<caching_test::Task> : caching_test::EntityOf<caching_test::Task> {
  static constexpr auto table = "tasks";
};
template <>
struct Entity<caching_test::NewerTask> : caching_test::EntityOf<caching_test::NewerTask> {
  static constexpr auto table = "tasks";
};
template <>
struct Entity<caching_test::Memo> : caching_test::EntityOf<caching_test::Memo> {
  static constexpr auto table = "memos";
};

namespace caching_test {
namespace {

using internal::Cell;
using internal::CellTag;
using testing::IsOk;

// A binary with its store. Each has the rows of one table as its type describes them, and only the
// cache is shared.
template <typename T>
class Binary {
 public:
  explicit Binary(std::shared_ptr<Cache> cache, const std::string& database = "") {
    rows_ = *InMemoryStore<T>::create(memory_);
    store_ = *CachingStore<T>::create(
        std::make_unique<MeteredStore<T>>(*InMemoryStore<T>::create(memory_), metrics_, "notes",
                                          "database"),
        std::move(cache), {.store = "notes", .app = "app", .database = database}, metrics_);
  }

  Store<T>& store() { return *store_; }
  // Its view of what another binary has written.
  void has(const T& record) { ASSERT_THAT(rows_->put(record), IsOk()); }
  T read(const std::string& id = "a") {
    const auto found = store_->get(id);
    EXPECT_THAT(found, IsOk());
    return found.ok() && *found != nullptr ? **found : T{};
  }
  std::int64_t count(const std::string& name, const Labels& labels = {}) const {
    return metrics_->count("strata_cache_" + name, labels);
  }
  std::int64_t hits() const { return count("hits_total"); }
  std::int64_t loads() const {
    return metrics_->count("strata_store_calls_total", {{"operation", "get"}});
  }
  std::int64_t rejected(const std::string& reason) const {
    return count("rejected_cells_total", {{"reason", reason}});
  }

 private:
  std::shared_ptr<InMemoryDatabase> memory_ = std::make_shared<InMemoryDatabase>();
  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  std::unique_ptr<Store<T>> rows_;
  std::unique_ptr<Store<T>> store_;
};

class DeployTest : public ::testing::Test {
 protected:
  Nonce nonceOfCell() const { return Cell::parse(cache_->peek(kKey).value_or(""))->nonce; }

  testing::FakeClock clock_;
  std::shared_ptr<testing::FakeCache> cache_ = std::make_shared<testing::FakeCache>(clock_);
};

// The two replaced each other's copies at every read: 200 reads in turns, no hit, 200 rejected.
// B-20, B-61
TEST_F(DeployTest, BinariesOfTwoReleasesReadEachOthersCopies) {
  Binary<Note> older(cache_);
  Binary<NewerNote> newer(cache_);
  older.has({"a", "one"});
  newer.has({"a", "one", true});
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(older.read().text, "one");
    EXPECT_EQ(newer.read().text, "one");
    EXPECT_TRUE(newer.read().pinned) << "no member is made up";
  }
  EXPECT_EQ(older.loads() + newer.loads(), 2) << "one each";
  EXPECT_EQ(older.hits() + newer.hits(), 298);
  EXPECT_EQ(newer.rejected("other_type"), 1) << "the copy without the new member";
  EXPECT_EQ(older.rejected("other_type"), 0);
}

// B-61
TEST_F(DeployTest, AWriteOfEitherBinaryInvalidatesTheCopiesOfBoth) {
  Binary<Note> older(cache_);
  Binary<NewerNote> newer(cache_);
  for (int i = 0; i < 10; ++i) {
    const std::string text = std::to_string(i);
    older.has({"a", text});
    newer.has({"a", text, true});
    ASSERT_THAT(i % 2 == 0 ? older.store().put({"a", text}) : newer.store().put({"a", text, true}),
                IsOk());
    EXPECT_EQ(cache_->peek(kKey), std::nullopt);
    for (int k = 0; k < 10; ++k) {
      EXPECT_EQ(older.read().text, text);
      EXPECT_EQ(newer.read().text, text);
    }
  }
  EXPECT_LE(older.loads() + newer.loads(), 20) << "of 200 reads";
}

TEST_F(DeployTest, AnOlderBinaryLeavesACopyWithAMemberMoreWhereItIs) {
  Binary<Note> older(cache_);
  Binary<NewerNote> newer(cache_);
  older.has({"a", "one"});
  newer.has({"a", "one", true});
  newer.read();
  const Nonce filled = nonceOfCell();
  for (int i = 0; i < 100; ++i) older.read();
  EXPECT_EQ(nonceOfCell(), filled);
  EXPECT_EQ(older.loads(), 0);
}

// Neither can read the other's copies. They still do not take turns in replacing them.
TEST_F(DeployTest, BinariesThatCannotReadEachOthersCopiesSeldomReplaceThem) {
  internal::fixRandomness(7);
  Binary<Note> older(cache_);
  Binary<RenamedNote> newer(cache_);
  older.has({"a", "one"});
  newer.has({"a", "one"});
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(older.read().text, "one");
    EXPECT_EQ(newer.read().body, "one");
  }
  EXPECT_GE(older.hits() + newer.hits(), 800) << "of 2 000; it was none";
  EXPECT_GE(older.hits(), 100) << "and neither is left out";
  EXPECT_GE(newer.hits(), 100);
  EXPECT_GT(older.count("bypasses_total", {{"reason", "foreign_cell"}}), 0);
  EXPECT_EQ(older.hits() + older.loads(), 1000);
}

// The copies of a binary that runs no more are replaced in the end.
TEST_F(DeployTest, ACopyThatNoBinaryReadsAnyMoreIsReplaced) {
  internal::fixRandomness(7);
  Binary<RenamedNote> gone(cache_);
  gone.has({"a", "one"});
  gone.read();
  Binary<Note> stays(cache_);
  stays.has({"a", "one"});
  for (int i = 0; i < 200; ++i) stays.read();
  EXPECT_GE(stays.hits(), 100);
}

// A value with a name that the older binary does not know is an error of its row, with or without a
// cache; the copy is good for those that know it.
TEST_F(DeployTest, AnEnumeratorThatIsUnknownHereIsNoReasonToReplaceTheCopy) {
  internal::fixRandomness(7);
  Binary<Task> older(cache_);
  Binary<NewerTask> newer(cache_);
  older.has({"a", State::kOpen});
  newer.has({"a", MoreState::kClosed});
  int kept = 0;
  for (int i = 0; i < 100; ++i) {
    newer.read();
    const Nonce filled = nonceOfCell();
    EXPECT_EQ(older.read().state, State::kOpen) << "from its own rows";
    kept += nonceOfCell() == filled ? 1 : 0;
  }
  EXPECT_GE(kept, 80);
  newer.has({"a", MoreState::kOpen});
  ASSERT_THAT(newer.store().put({"a", MoreState::kOpen}), IsOk());
  newer.read();
  const std::int64_t loads_before = older.loads();
  older.read();
  EXPECT_EQ(older.loads(), loads_before) << "a name that both know";
}

// ---- Keys that are the same by mistake ----

// What one entity had cached was the answer to a read of the other: "1" of invoices was 100, and 999
// once "1" of quotes had been read.
TEST_F(DeployTest, EntitiesWithOneKeySpaceNeverReadEachOthersRecords) {
  std::ostringstream text;
  const auto logger = std::make_shared<spdlog::logger>(
      "strata", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
  spdlog::register_logger(logger);
  Binary<Note> notes(cache_);
  Binary<Memo> memos(cache_);
  notes.has({"a", "note"});
  memos.has({"a", "memo"});
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(notes.read().text, "note");
    EXPECT_EQ(memos.read().text, "memo");
  }
  EXPECT_EQ(notes.rejected("other_identity"), 9) << "replaced each time, bypassed never";
  EXPECT_EQ(notes.loads(), 10);
  spdlog::drop("strata");
  const std::string line = "table notes are those of another table or database too";
  const std::size_t first = text.str().find(line);
  ASSERT_NE(first, std::string::npos) << text.str();
  EXPECT_EQ(text.str().find(line, first + 1), std::string::npos) << "once";
}

TEST_F(DeployTest, ServicesWithDatabasesOfTheirOwnNeverReadEachOthersRecords) {
  Binary<Note> one(cache_, "one");
  Binary<Note> two(cache_, "two");
  one.has({"a", "first"});
  two.has({"a", "second"});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(one.read().text, "first");
    EXPECT_EQ(two.read().text, "second");
  }
  ASSERT_THAT(two.store().remove("a"), IsOk());
  EXPECT_EQ(one.read().text, "first");
}

TEST_F(DeployTest, ALeaseOfAnotherIdentityIsNotWaitedFor) {
  Binary<Note> notes(cache_);
  notes.has({"a", "note"});
  Nonce of_another_process = makeNonce();
  of_another_process.front() ^= 1;
  cache_->plant(kKey, Cell{.tag = CellTag::kLease,
                           .nonce = of_another_process,
                           .key_hash = stableHash(kKey),
                           .incarnation = cache_->incarnation(),
                           .identity = 1}
                          .encode());
  EXPECT_EQ(notes.read().text, "note");
  EXPECT_EQ(notes.count("waits_total"), 0);
  EXPECT_EQ(notes.count("bypasses_total", {{"reason", "foreign_lease"}}), 1);
}

// ---- Cells of a later Strata ----

class LaterCellTest : public CachingStoreTest {
 protected:
  LaterCellTest() { EXPECT_THAT(store_->put({"a", "row"}), IsOk()); }

  // A cell that a reader of today would use, with `fields` after those that it has.
  std::string cellWith(const std::string& fields) const {
    const internal::RecordShape shape(typeInfo<Note>());
    const std::string payload = encodeJson(Note{"a", "cell"});
    std::string bytes = Cell{.nonce = makeNonce(),
                             .key_hash = stableHash(kKey),
                             .incarnation = cache_->incarnation(),
                             .identity = identity(),
                             .fingerprint = shape.fingerprint()}
                            .encode();
    bytes[Cell::kHeaderBytes - 2] = static_cast<char>(fields.size() >> 8);
    bytes[Cell::kHeaderBytes - 1] = static_cast<char>(fields.size() & 0xFF);
    return bytes + fields + payload;
  }
  static std::string field(int number, const std::string& content) {
    return std::string{static_cast<char>(number), static_cast<char>(content.size() >> 8),
                       static_cast<char>(content.size() & 0xFF)} +
           content;
  }
};

TEST_F(LaterCellTest, IsAHitIfWhatIsNewInItMayBeSkipped) {
  cache_->plant(kKey, cellWith(field(2, "tags") + field(77, std::string(300, 'x'))));
  EXPECT_EQ(textOf("a"), "cell");
}

TEST_F(LaterCellTest, IsAMissIfWhatIsNewInItMustBeUnderstood) {
  cache_->plant(kKey, cellWith(field(0x80 | 2, "grace")));
  EXPECT_EQ(textOf("a"), "row");
  EXPECT_EQ(rejected("other_format"), 1);
}

TEST_F(LaterCellTest, OfAnUnknownTagIsNeverReplacedOrDeleted) {
  std::string marked = cellWith("");
  marked[0] = 'M';
  cache_->plant(kKey, marked);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(textOf("a"), "row");
  EXPECT_EQ(cache_->peek(kKey), marked);
}

// Cells of a Strata from before this format are of no use to this binary, nor its own to that one.
TEST_F(LaterCellTest, OfAnEarlierFormatIsReplacedAtOnce) {
  std::string earlier = cellWith("");
  earlier[50] = 2;
  cache_->plant(kKey, earlier);
  EXPECT_EQ(textOf("a"), "row");
  EXPECT_EQ(textOf("a"), "row");
  EXPECT_EQ(loads(), 1);
}

// Every older reader takes every newer cell, whole, cut off or tampered with, as a hit or a miss.
// B-20
TEST_F(LaterCellTest, IsAHitOrAMissAndNeverAnError) {
  const bool holds = rc::check([this](std::vector<std::pair<std::uint8_t, std::string>> added,
                                      std::size_t cut, std::size_t at, char byte, int kind) {
    std::string fields;
    bool must = false;
    for (const auto& [number, content] : added) {
      if (number == 1 || content.size() > 999) continue;
      must |= (number & Cell::kMustBeUnderstood) != 0;
      fields += field(number, content);
    }
    std::string bytes = cellWith(fields);
    if (kind % 3 == 1) bytes.resize(cut % bytes.size());
    // A later epoch would be learned from it, and the cells after it would be too old.
    const bool is_epoch = at % bytes.size() >= 33 && at % bytes.size() < 41;
    if (kind % 3 == 2 && !is_epoch) bytes[at % bytes.size()] = byte;
    cache_->plant(kKey, bytes);
    const auto found = store_->get("a");
    RC_ASSERT(found.ok());
    RC_ASSERT(*found != nullptr);
    if (kind % 3 == 0) RC_ASSERT((**found).text == (must ? "row" : "cell"));
  });
  EXPECT_TRUE(holds);
}

}  // namespace
}  // namespace caching_test
}  // namespace strata
