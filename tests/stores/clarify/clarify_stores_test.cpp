#include "strata/testing/mocks/mock_clarify_stores.h"
#include "tests/stores/clarify/clarify_suites.h"

namespace strata {
namespace {

Config withoutCache() { return {}; }

Config withLru() {
  Config config;
  config.cache_provider = CacheProvider::kMemory;
  return config;
}

STRATA_INSTANTIATE_CLARIFY_SUITES(InProcess,
                                  ::testing::Values(ClarifyStack{"InMemory", withoutCache},
                                                    ClarifyStack{"CachingOverLruInMemory",
                                                                 withLru}));

// Each part lives as long as it is told to, and the absence of a user as long as a user.
TEST(ClarifyStores, CacheEachPartForItsTime) {
  testing::FakeClock clock;
  const auto metrics = std::make_shared<InMemoryMetrics>();
  const auto backends = must(connect(
      withLru(),
      {.metrics = metrics, .clock = &clock, .memory = std::make_shared<InMemoryDatabase>()}));
  const ClarifyStores stores = must(createClarifyStores(backends));
  const auto misses_after = [&](absl::Duration time) {
    clock.advance(time);
    const auto before = metrics->count("strata_cache_misses_total");
    must(stores.sources.user->get("ada"));
    must(stores.sources.dreams->get("ada"));
    must(stores.sources.patterns->get("ada"));
    must(stores.sources.sessions->get("ada"));
    must(stores.sources.reflections->get("ada"));
    return metrics->count("strata_cache_misses_total") - before;
  };
  EXPECT_EQ(misses_after(absl::ZeroDuration()), 5);
  // Times to live are up to a tenth longer or shorter.
  EXPECT_EQ(misses_after(absl::Seconds(50)), 0);
  EXPECT_EQ(misses_after(absl::Seconds(20)), 1) << "sessions, after 60 s";
  EXPECT_EQ(misses_after(absl::Seconds(70)), 2) << "dreams, after 120 s, and sessions again";
  EXPECT_EQ(misses_after(absl::Seconds(200)), 4) << "all but patterns, after 300 s";
  EXPECT_EQ(misses_after(absl::Seconds(340)), 5) << "patterns, after 600 s";
}

TEST(ClarifyStores, RefuseATimeToLiveThatIsNone) {
  const auto backends = must(connect(withLru(), {.memory = std::make_shared<InMemoryDatabase>()}));
  EXPECT_THAT(createClarifyStores(backends, {.dreams_ttl = absl::ZeroDuration()}),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ClarifyStores, DeleteCopiesOfOthersWhereTheirOwnCacheIsOff) {
  const auto backends = must(connect(withLru(), {.memory = std::make_shared<InMemoryDatabase>()}));
  const ClarifyStores cached = must(createClarifyStores(backends));
  const ClarifyStores uncached = must(createClarifyStores(backends, {.enable_cache = false}));
  must(uncached.users->put({.id = "ada", .name = "old"}));
  EXPECT_EQ(must(cached.sources.user->get("ada"))->name, "old");
  must(uncached.users->put({.id = "ada", .name = "new"}));
  EXPECT_EQ(must(cached.sources.user->get("ada"))->name, "new");
}

TEST(ClarifyStores, CountTheirOperations) {
  const auto metrics = std::make_shared<InMemoryMetrics>();
  const auto backends =
      must(connect({}, {.metrics = metrics, .memory = std::make_shared<InMemoryDatabase>()}));
  const ClarifyStores stores = must(createClarifyStores(backends));
  must(stores.users->put({.id = "ada"}));
  EXPECT_THAT(stores.sessions->noteMessage("ada", newId()), StatusIs(absl::StatusCode::kNotFound));
  must(stores.sources.dreams->get("ada"));
  const auto calls = [&](const char* store, const char* operation, const char* result) {
    return metrics->count("strata_store_calls_total",
                          {{"store", store}, {"operation", operation}, {"result", result}});
  };
  EXPECT_EQ(calls("users", "put_user", "ok"), 1);
  EXPECT_EQ(calls("clarify_sessions", "note_message", "absent"), 1);
  EXPECT_EQ(metrics->count("strata_store_calls_total",
                           {{"store", "active_dreams"}, {"operation", "get"}}),
            1);
}

TEST(MockClarifyStores, StandInForStores) {
  testing::MockUserProfileStore users;
  testing::MockDreamStore dreams;
  testing::MockPatternStore patterns;
  testing::MockClarifySessionStore sessions;
  testing::MockReflectionStore reflections;
  EXPECT_CALL(dreams, create).WillOnce(::testing::Return(Dream{.id = "d"}));
  DreamStore& store = dreams;
  EXPECT_EQ(must(store.create({.user_id = "ada"})).id, "d");
}

}  // namespace
}  // namespace strata
