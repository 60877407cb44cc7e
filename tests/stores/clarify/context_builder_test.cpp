// ContextBuilder over sources that a test holds: what it asks, and what it makes of the answers.
// tests/stores/clarify/context_sections_test.cpp has the rules of the text.
#include "strata/stores/clarify/context_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <latch>
#include <memory>
#include <sstream>
#include <string>
#include <utility>

#include "strata/cache/guarded_cache.h"
#include "strata/decorators/caching_store.h"
#include "strata/testing/fakes/fake_cache.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::FakeCache;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using ::testing::Not;
using testing::StatusIs;
using Operation = FakeCache::Operation;

// A query: counts how often it is made, fails when told to, and waits for others where a test wants
// to see them under way together.
template <typename T>
class Query final : public Store<T> {
 public:
  struct Script {
    T answer;
    absl::Status failure;
    int asked = 0;
    std::latch* together = nullptr;
  };
  explicit Query(std::shared_ptr<Script> script) : script_(std::move(script)) {}

  absl::StatusOr<Snapshot<T>> get(const Id&, const ReadOptions&) override {
    ++script_->asked;
    if (script_->together != nullptr) script_->together->arrive_and_wait();
    if (!script_->failure.ok()) return script_->failure;
    return makeSnapshot(script_->answer);
  }
  Snapshots<T> getMany(absl::Span<const Id> ids, const ReadOptions& options) override {
    Snapshots<T> answers;
    for (const Id& id : ids) answers.push_back(get(id, options));
    return answers;
  }
  absl::StatusOr<Version> put(const T&, const WriteOptions&) override { return Version{}; }
  absl::StatusOr<Version> remove(const Id&, const WriteOptions&) override { return Version{}; }
  Health healthCheck() override { return {.component = "store", .backend = "in-memory"}; }

 private:
  const std::shared_ptr<Script> script_;
};

template <typename T>
using ScriptOf = std::shared_ptr<typename Query<T>::Script>;

class ContextBuilderTest : public ::testing::Test {
 protected:
  ContextBuilderTest() {
    user_->answer = {.id = "ada", .name = "Ada"};
    dreams_->answer = {.user_id = "ada", .dreams = {{.title = "Fly"}}};
    patterns_->answer = {.user_id = "ada", .patterns = {{.content = "Water", .strength = 9}}};
    sessions_->answer = {.user_id = "ada"};
    for (const char* name : {"s1", "s2", "s3", "s4"}) {
      sessions_->answer.sessions.push_back({.id = name, .title = std::string("About ") + name});
    }
    reflections_->answer = {.user_id = "ada", .reflections = {{.tone = ReflectionTone::kGentle}}};
    builder_ = makeContextBuilder({.user = cached<UserProfile>(user_),
                                   .dreams = cached<ActiveDreams>(dreams_),
                                   .patterns = cached<ObservedPatterns>(patterns_),
                                   .sessions = cached<RecentSessions>(sessions_),
                                   .reflections = cached<RecentReflections>(reflections_)},
                                  {}, metrics_, clock_, Executor::withThreads(4));
  }

  template <typename T>
  static ScriptOf<T> script() {
    return std::make_shared<typename Query<T>::Script>();
  }
  template <typename T>
  std::shared_ptr<Store<T>> cached(ScriptOf<T> script) {
    auto made = CachingStore<T>::create(std::make_unique<Query<T>>(std::move(script)), guarded_,
                                        {.app = "copilot"}, metrics_, clock_);
    EXPECT_THAT(made, IsOk());
    return *std::move(made);
  }
  BuiltContext build(std::string_view session = "") {
    const auto context = builder_->build("ada", session);
    EXPECT_THAT(context, IsOk());
    return context.value_or(BuiltContext{});
  }
  int queries() const {
    return user_->asked + dreams_->asked + patterns_->asked + sessions_->asked +
           reflections_->asked;
  }

  testing::FakeClock clock_;
  std::shared_ptr<FakeCache> cache_ = std::make_shared<FakeCache>(clock_);
  std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  std::shared_ptr<GuardedCache> guarded_ =
      GuardedCache::over(cache_, metrics_, clock_, Executor::shared());
  ScriptOf<UserProfile> user_ = script<UserProfile>();
  ScriptOf<ActiveDreams> dreams_ = script<ActiveDreams>();
  ScriptOf<ObservedPatterns> patterns_ = script<ObservedPatterns>();
  ScriptOf<RecentSessions> sessions_ = script<RecentSessions>();
  ScriptOf<RecentReflections> reflections_ = script<RecentReflections>();
  std::unique_ptr<ContextBuilder> builder_;
};

TEST_F(ContextBuilderTest, MakesOneTextOfFiveLists) {
  const BuiltContext context = build("s2");
  EXPECT_EQ(context.text,
            "[User Context]\nName: Ada\nTier: free\nReflections: 0\nClarify sessions: 0\n\n"
            "[Active Dreams]\n- Fly\n\n"
            "[Patterns Observed]\n- recurring theme (9/10): Water\n\n"
            "[Recent Conversations]\n- About s1 (0 messages, last on 1970-01-01)\n"
            "- About s3 (0 messages, last on 1970-01-01)\n"
            "- About s4 (0 messages, last on 1970-01-01)\n\n"
            "[Recent Reflections]\n- gentle, on 1970-01-01");
  EXPECT_EQ(context.sections.size(), 5);
  EXPECT_EQ(context.sections[1].title, "[Active Dreams]");
  EXPECT_GE(context.tokens, estimateTokens(context.text));
}

// B-95: were they made one after the other, the first would wait for the others for ever.
TEST_F(ContextBuilderTest, QueriesInParallelWhatIsNotCached) {
  std::latch all(5);
  user_->together = dreams_->together = patterns_->together = &all;
  sessions_->together = reflections_->together = &all;
  const BuiltContext context = build();
  EXPECT_EQ(context.sections.size(), 5);
  EXPECT_EQ(context.cache_misses, 5);
  EXPECT_EQ(cache_->calls(Operation::kGetOrLease), 1);
  EXPECT_EQ(cache_->calls(Operation::kCompareAndSet), 1) << "all five fills together";
}

// B-96
TEST_F(ContextBuilderTest, IsOneRoundTripToTheCacheAndNoQueryWhenWarm) {
  const BuiltContext cold = build();
  cache_->resetCalls();
  const BuiltContext warm = build();
  EXPECT_EQ(cache_->calls(), 1);
  EXPECT_EQ(queries(), 5);
  EXPECT_EQ(warm.text, cold.text);
  EXPECT_EQ(warm.cache_hits, 5);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_FALSE(cold.sections[i].from_cache);
    EXPECT_TRUE(warm.sections[i].from_cache);
  }
}

TEST_F(ContextBuilderTest, QueriesOnlyWhatIsMissing) {
  build();
  cache_->erase("copilot:ctx:dreams:ada");
  const BuiltContext context = build();
  EXPECT_EQ(dreams_->asked, 2);
  EXPECT_EQ(queries(), 6);
  EXPECT_EQ(context.cache_misses, 1);
  EXPECT_FALSE(context.sections[1].from_cache);
  EXPECT_TRUE(context.sections[2].from_cache);
}

// B-97
TEST_F(ContextBuilderTest, AFailedQueryLeavesItsSectionOutAndIsNotCached) {
  dreams_->failure = absl::UnavailableError("no database");
  const BuiltContext without = build();
  EXPECT_THAT(without.failed, ElementsAre(ContextSource::kDreams));
  EXPECT_EQ(without.sections.size(), 4);
  EXPECT_THAT(without.text, AllOf(Not(HasSubstr("Dreams")), HasSubstr("[Patterns Observed]")));
  dreams_->failure = absl::OkStatus();
  clock_.advance(absl::Milliseconds(2));  // the lease that was given back
  const BuiltContext whole = build();
  EXPECT_THAT(whole.failed, IsEmpty());
  EXPECT_THAT(whole.text, HasSubstr("- Fly"));
  EXPECT_EQ(whole.cache_hits, 4);
}

TEST_F(ContextBuilderTest, NothingAtAllGivesNothing) {
  for (absl::Status* failure : {&user_->failure, &dreams_->failure, &patterns_->failure,
                                &sessions_->failure, &reflections_->failure}) {
    *failure = absl::UnavailableError("no database");
  }
  const BuiltContext context = build();
  EXPECT_EQ(context.text, "");
  EXPECT_EQ(context.tokens, 0);
  EXPECT_EQ(context.failed.size(), 5);
}

TEST_F(ContextBuilderTest, CachesEmptyLists) {
  dreams_->answer.dreams.clear();
  EXPECT_THAT(build().text, Not(HasSubstr("Dreams")));
  const BuiltContext again = build();
  EXPECT_EQ(dreams_->asked, 1);
  EXPECT_EQ(again.cache_hits, 5);
  EXPECT_THAT(again.failed, IsEmpty());
}

// B-98
TEST_F(ContextBuilderTest, LeavesTheCurrentSessionOutWhoeverFilledTheCache) {
  EXPECT_THAT(build("s1").text, Not(HasSubstr("About s1")));
  const BuiltContext other = build("s3");
  EXPECT_THAT(other.text, AllOf(HasSubstr("About s1"), HasSubstr("About s2"),
                                Not(HasSubstr("About s3")), HasSubstr("About s4")));
  EXPECT_EQ(other.cache_hits, 5);
}

TEST_F(ContextBuilderTest, ServesWhileTheCacheIsDown) {
  cache_->setDown(true);
  EXPECT_EQ(build().sections.size(), 5);
  EXPECT_EQ(build().sections.size(), 5);
  EXPECT_EQ(queries(), 10);
}

TEST_F(ContextBuilderTest, RefusesAUserWithoutAName) {
  EXPECT_THAT(builder_->build("", ""),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("user id")));
  EXPECT_EQ(queries(), 0);
}

TEST_F(ContextBuilderTest, AsksNobodyAfterTheDeadline) {
  const auto context = builder_->build("ada", "", Deadline::at(clock_.now()));
  ASSERT_THAT(context, IsOk());
  EXPECT_EQ(context->text, "");
  EXPECT_EQ(context->failed.size(), 5);
  EXPECT_EQ(queries(), 0);
}

TEST_F(ContextBuilderTest, CountsHitsAndTimes) {
  build();
  build();
  EXPECT_EQ(metrics_->count("clarify_cache_hits_total"), 5);
  EXPECT_EQ(metrics_->count("clarify_cache_misses_total"), 5);
  EXPECT_EQ(metrics_->level("clarify_cache_hit_rate_percent"), 50);
  EXPECT_EQ(metrics_->summary("clarify_context_build").count, 2);
  EXPECT_EQ(metrics_->summary("clarify_cache_read").count, 2);
  EXPECT_EQ(metrics_->summary("clarify_query_parallel").count, 1);
  EXPECT_EQ(metrics_->summary("clarify_cache_write").count, 1);
}

TEST_F(ContextBuilderTest, ReportsTheHealthOfEachSource) {
  const Health health = builder_->healthCheck();
  EXPECT_EQ(health.component, "context-builder");
  EXPECT_EQ(health.backend, "in-memory");
  EXPECT_EQ(health.state, HealthState::kPass);
  EXPECT_EQ(health.children.size(), 5);
  cache_->setDown(true);
  EXPECT_EQ(builder_->healthCheck().state, HealthState::kWarn);
}

TEST_F(ContextBuilderTest, WritesOneLineForEachBuild) {
  std::ostringstream lines;
  spdlog::register_logger(std::make_shared<spdlog::logger>(
      "strata", std::make_shared<spdlog::sinks::ostream_sink_st>(lines)));
  build("s1");
  spdlog::drop("strata");
  EXPECT_THAT(lines.str(),
              AllOf(HasSubstr("clarify.buildContext userId=ada sessionId=s1 durationMs=0 "
                              "cacheHits=0 cacheMisses=5 sectionsIncluded=5 tokensUsed="),
                    Not(HasSubstr("Ada"))));
  const std::string text = lines.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

}  // namespace
}  // namespace strata
