// warm: what is asked for, how much at once, and what it reports.
#include "strata/cache/tools/cache_warming.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <set>

#include "strata/testing/eventually.h"
#include "strata/testing/fakes/fake_executor.h"
#include "tests/base/thread_shortage.h"
#include "tests/decorators/caching_fixture.h"

namespace strata::caching_test {
namespace {

using testing::FakeExecutor;
using testing::StatusIs;

std::vector<Id> idsUpTo(int count) {
  std::vector<Id> ids;
  for (int i = 0; i < count; ++i) ids.emplace_back("n" + std::to_string(i));
  return ids;
}

class WarmTest : public CachingStoreTest {
 protected:
  // Every second of the ids.
  void store(int count) {
    for (int i = 0; i < count; i += 2) {
      ASSERT_OK(store_->put({"n" + std::to_string(i), "text"}));
    }
  }
  std::int64_t databaseReads() const {
    return metrics_
        ->summary("strata_store_latency_seconds",
                  {{"layer", "database"}, {"operation", "get_many"}})
        .count;
  }
};

TEST_F(WarmTest, FillsTheCacheByFewReadsOfTheDatabase) {
  store(1000);
  std::vector<std::size_t> told;
  const WarmReport report = warm(
      *store_, idsUpTo(1000),
      {.batch_size = 100, .progress = [&](const WarmReport& now) { told.push_back(now.asked); }},
      clock_);
  EXPECT_OK(report.status);
  EXPECT_EQ(report.asked, 1000U);
  EXPECT_EQ(report.present, 500U);
  EXPECT_EQ(report.absent, 500U);
  EXPECT_EQ(report.failed, 0U);
  EXPECT_EQ(databaseReads(), 10);
  EXPECT_EQ(told.back(), 1000U);
  EXPECT_TRUE(cache_->peek("app:notes:note:n998"));
  const auto hit = store_->get("n998");
  ASSERT_OK(hit);
  EXPECT_EQ(metrics_->count("strata_cache_hits_total"), 1);
}

TEST_F(WarmTest, CountsErrorsPerIdAndGoesOn) {
  store(10);
  std::vector<Id> ids = idsUpTo(10);
  ids.insert(ids.begin() + 5, Id(""));
  const WarmReport report = warm(*store_, ids, {.batch_size = 3}, clock_);
  EXPECT_OK(report.status);
  EXPECT_EQ(report.asked, 11U);
  EXPECT_EQ(report.failed, 1U);
  EXPECT_EQ(report.present, 5U);
  EXPECT_THAT(report.first_failure, StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(WarmTest, ReadsASourceToItsEndAndNeverHoldsMoreThanAPage) {
  int page = 0;
  const IdSource source = [&]() -> absl::StatusOr<std::vector<Id>> {
    if (page == 5) return std::vector<Id>();
    std::vector<Id> ids;
    for (int i = 0; i < 10; ++i) ids.emplace_back(std::to_string(page * 10 + i));
    ++page;
    return ids;
  };
  std::size_t most_ahead = 0;
  const WarmReport report = warm(
      *store_, source,
      {.batch_size = 5,
       .max_concurrent = 1,
       .progress =
           [&](const WarmReport& now) {
             most_ahead = std::max(most_ahead, static_cast<std::size_t>(page) * 10 - now.asked);
           }},
      clock_);
  EXPECT_OK(report.status);
  EXPECT_EQ(report.asked, 50U);
  EXPECT_LE(most_ahead, 10U);
}

TEST_F(WarmTest, ASourceThatFailsEndsItWithWhatWasDone) {
  int pages = 0;
  const IdSource source = [&]() -> absl::StatusOr<std::vector<Id>> {
    if (++pages == 3) return absl::UnavailableError("no database");
    return idsUpTo(4);
  };
  const WarmReport report = warm(*store_, source, {}, clock_);
  EXPECT_THAT(report.status, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(report.asked, 8U);
}

TEST_F(WarmTest, StopsAtTheDeadlineAndTakesNoNonsense) {
  const WarmReport late =
      warm(*store_, idsUpTo(100),
           {.batch_size = 10,
            .max_concurrent = 1,
            .deadline = Deadline::in(absl::Seconds(1), clock_),
            .progress = [&](const WarmReport&) { clock_.advance(absl::Milliseconds(600)); }},
           clock_);
  EXPECT_THAT(late.status, StatusIs(absl::StatusCode::kDeadlineExceeded));
  EXPECT_EQ(late.asked, 20U);
  EXPECT_THAT(warm(*store_, idsUpTo(1), {.batch_size = 0}).status,
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(warm(*store_, idsUpTo(1), {.max_concurrent = 0}).status,
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_OK(warm(*store_, std::vector<Id>()).status);
}

// An executor that never gets to it, as when all of its threads warm something too.
TEST_F(WarmTest, NeedsNoHelpFromTheExecutor) {
  const auto busy = std::make_shared<FakeExecutor>(clock_);
  const WarmReport report = warm(*store_, idsUpTo(100),
                                 {.batch_size = 10, .max_concurrent = 4, .executor = busy}, clock_);
  EXPECT_OK(report.status);
  EXPECT_EQ(report.asked, 100U);
  // What was offered is done; a helper that comes late touches nothing.
  store_.reset();
  busy->advance(absl::Seconds(1));
}

TEST_F(WarmTest, NeedsNoThread) {
  store(50);
  const auto refusing = std::make_shared<testing::RefusingExecutor>(Executor::shared());
  const WarmReport report = warm(
      *store_, idsUpTo(100), {.batch_size = 10, .max_concurrent = 4, .executor = refusing}, clock_);
  EXPECT_OK(report.status);
  EXPECT_EQ(report.asked, 100U);
}

// What threw went through `warm`, while helpers on other threads were using what was the caller's.
TEST_F(WarmTest, ExceptionsAreInTheReport) {
  const auto is_thrown =
      testing::StatusIs(absl::StatusCode::kInternal, ::testing::HasSubstr("std::runtime_error"));
  const IdSource source = []() -> absl::StatusOr<std::vector<Id>> {
    throw std::runtime_error("source");
  };
  EXPECT_THAT(warm(*store_, source, {}, clock_).status, is_thrown);

  WarmOptions options;
  options.progress = [](const WarmReport&) { throw std::runtime_error("progress"); };
  EXPECT_THAT(warm(*store_, idsUpTo(100), options, clock_).status, is_thrown);

  faults_->before(testing::StoreOperation::kGetMany, [] { throw std::runtime_error("load"); });
  const WarmReport report =
      warm(*store_, idsUpTo(100), {.batch_size = 10, .max_concurrent = 4}, clock_);
  EXPECT_OK(report.status);
  EXPECT_EQ(report.failed, 100U);
  EXPECT_THAT(report.first_failure, is_thrown);
}

// A store that tells how many calls it is in.
class CountingStore final : public Store<Note> {
 public:
  absl::StatusOr<Snapshot<Note>> get(const Id& /*id*/, const ReadOptions& /*options*/) override {
    return Snapshot<Note>();
  }
  Snapshots<Note> getMany(absl::Span<const Id> ids, const ReadOptions& /*options*/) override {
    const int now = ++inside;
    int most = most_inside;
    while (now > most && !most_inside.compare_exchange_weak(most, now)) {
    }
    Clock::system().sleepFor(absl::Milliseconds(1));
    --inside;
    return {ids.size(), Snapshot<Note>()};
  }
  absl::StatusOr<Version> put(const Note& /*note*/, const WriteOptions& /*options*/) override {
    return Version();
  }
  absl::StatusOr<Version> remove(const Id& /*id*/, const WriteOptions& /*options*/) override {
    return Version();
  }
  Health healthCheck() override { return {}; }

  std::atomic<int> inside = 0;
  std::atomic<int> most_inside = 0;
};

TEST(Warm, KeepsToItsConcurrency) {
  CountingStore store;
  const WarmReport report = warm(store, idsUpTo(2000), {.batch_size = 10, .max_concurrent = 3});
  EXPECT_OK(report.status);
  EXPECT_EQ(report.absent, 2000U);
  EXPECT_LE(store.most_inside, 3);
  EXPECT_GE(store.most_inside, 2);
  EXPECT_EQ(store.inside, 0);
}

}  // namespace
}  // namespace strata::caching_test
