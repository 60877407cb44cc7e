// createContextBuilder on real servers: what a build costs in round trips, what it shows after each
// change that another process makes, and what it does without one of the servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "strata/factories/clarify_store_factory.h"
#include "strata/factories/context_builder_factory.h"
#include "strata/testing/eventually.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using testing::eventually;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::LocalServers;
using ::testing::Not;
using testing::StatusIs;
using testing::TcpProxy;

// Long beside anything that a busy machine may add.
constexpr absl::Duration kDelay = absl::Milliseconds(250);

// One process.
struct Process {
  explicit Process(const Config& config,
                   const CircuitBreakerOptions& cache_breaker = {.name = "cache"})
      : backends(*connect(config, {.metrics = metrics, .cache_breaker = cache_breaker})),
        stores(*createClarifyStores(backends)),
        builder(*createContextBuilder(backends, stores.sources)) {}

  BuiltContext build(const std::string& user, const std::string& session = "") const {
    const auto context = builder->build(user, session);
    EXPECT_THAT(context, IsOk());
    return context.value_or(BuiltContext{});
  }
  std::int64_t queries() const {
    return metrics->summary("strata_store_latency_seconds", {{"layer", "database"}}).count;
  }

  std::shared_ptr<InMemoryMetrics> metrics = std::make_shared<InMemoryMetrics>();
  Backends backends;
  ClarifyStores stores;
  std::unique_ptr<ContextBuilder> builder;
};

class ContextBuilderOnServers : public ::testing::Test {
 protected:
  void SetUp() override {
    servers_ = LocalServers::start({.postgres = true, .redis = true, .proxied = true}).value();
    config_.database_url = servers_->postgres().url();
    config_.cache_url = servers_->redis().url();
    process_ = std::make_unique<Process>(config_);
    ASSERT_THAT(process_->stores.users->put({.id = "ada", .name = "Ada"}), IsOk());
    ASSERT_THAT(process_->stores.dreams->create({.user_id = "ada", .title = "Fly"}), IsOk());
  }

  // How long a build of `user` takes.
  absl::Duration timed(const std::string& user) {
    const MonotonicTime start = Clock::system().now();
    process_->build(user);
    return Clock::system().now() - start;
  }
  // How often Redis reads from a socket meanwhile, what it takes to ask it included.
  template <typename Call>
  std::int64_t redisReadsDuring(Call call) {
    const std::int64_t before = redisReads();
    call();
    return redisReads() - before;
  }
  std::int64_t redisReads() {
    const std::string info = servers_->redis().command({"INFO", "stats"}).value();
    const std::string field = "total_reads_processed:";
    return std::stoll(info.substr(info.find(field) + field.size()));
  }
  static void expectBothDreams(const BuiltContext& context) {
    EXPECT_THAT(context.failed, IsEmpty());
    EXPECT_THAT(context.text, HasSubstr("- Fly"));
    EXPECT_THAT(context.text, HasSubstr("- Swim"));
  }
  // Connections are made, statements prepared.
  void warmUp() {
    for (int i = 0; i < 20; ++i) process_->build("nobody-" + std::to_string(i));
  }

  std::unique_ptr<LocalServers> servers_;
  Config config_;
  std::unique_ptr<Process> process_;
};

// B-95: one after the other they would take five times as long.
TEST_F(ContextBuilderOnServers, AColdBuildTakesAboutAsLongAsOneQuery) {
  warmUp();
  servers_->postgres().proxy()->setDelay(TcpProxy::Way::kToClient, kDelay);
  const absl::Duration took = timed("ada");
  EXPECT_GE(took, kDelay);
  EXPECT_LT(took, 3 * kDelay);
}

// B-96
TEST_F(ContextBuilderOnServers, AWarmBuildIsOneRoundTripToRedisAndNoQuery) {
  process_->build("ada");
  const std::int64_t before = process_->queries();
  const std::int64_t to_look = redisReadsDuring([] {});
  BuiltContext context;
  EXPECT_EQ(redisReadsDuring([&] { context = process_->build("ada"); }), to_look + 1);
  EXPECT_EQ(process_->queries(), before);
  EXPECT_EQ(context.cache_hits, 5);
  EXPECT_THAT(context.text, HasSubstr("- Fly"));
}

// B-100: what one process changes, the next build of another one shows.
TEST_F(ContextBuilderOnServers, ShowsEveryChangeAtOnceInOtherProcesses) {
  const Process other(config_);
  const ClarifyStores& stores = process_->stores;
  const std::string user = "ada";
  const auto dream = stores.dreams->create({.user_id = user, .title = "Swim"});
  const auto session = stores.sessions->create({.user_id = user, .title = "Old talk"});
  ASSERT_THAT(dream, IsOk());
  ASSERT_THAT(session, IsOk());
  const std::vector<std::function<absl::Status()>> changes{
      [&] { return stores.users->put({.id = user, .name = "Ada L."}).status(); },
      [&] { return stores.dreams->create({.user_id = user, .title = "Sing"}).status(); },
      [&] { return stores.dreams->update(user, dream->id, {.title = "Dive"}).status(); },
      [&] { return stores.dreams->setStatus(user, dream->id, DreamStatus::kAchieved).status(); },
      [&] { return stores.dreams->setStatus(user, dream->id, DreamStatus::kActive).status(); },
      [&] { return stores.dreams->remove(user, dream->id); },
      [&] { return stores.reflections->create({.user_id = user}).status(); },
      [&] { return stores.sessions->create({.user_id = user, .title = "New talk"}).status(); },
      [&] { return stores.sessions->noteMessage(user, session->id).status(); },
      [&] { return stores.sessions->archive(user, session->id).status(); },
      [&] {
        return stores.patterns->consolidate(user, {{.content = "Water", .strength = 9}}).status();
      },
      [&] { return stores.patterns->consolidate(user, {}).status(); },
      [&] { return stores.users->remove(user); }};
  std::string before = other.build(user).text;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    EXPECT_EQ(other.build(user).cache_hits, 5) << "before change " << i;
    ASSERT_THAT(changes[i](), IsOk()) << i;
    std::string after = other.build(user).text;
    EXPECT_NE(after, before) << "after change " << i;
    before = std::move(after);
  }
  EXPECT_EQ(before, "");
}

// What is written past the stores shows once its copies are dropped.
TEST_F(ContextBuilderOnServers, DropsAllFiveCopiesOnRequest) {
  process_->build("ada");
  ASSERT_THAT(servers_->postgres().query("UPDATE users SET name = 'Countess'"), IsOk());
  EXPECT_THAT(process_->build("ada").text, Not(HasSubstr("Countess")));
  ASSERT_THAT(process_->stores.invalidateUserContext("ada"), IsOk());
  const BuiltContext context = process_->build("ada");
  EXPECT_THAT(context.text, HasSubstr("Countess"));
  EXPECT_EQ(context.cache_misses, 5);
}

// The server was killed and never started again here, so nothing said that it is used again, or that
// the copies of its snapshot are not believed.
TEST_F(ContextBuilderOnServers, GoesOnWithoutRedisAndUsesItAgain) {
  process_ = std::make_unique<Process>(
      config_, CircuitBreakerOptions{.name = "cache", .open_time = absl::Milliseconds(200)});
  process_->build("ada");
  ASSERT_THAT(servers_->redis().save(), IsOk());
  ASSERT_THAT(servers_->redis().kill(), IsOk());
  ASSERT_THAT(process_->stores.dreams->create({.user_id = "ada", .title = "Swim"}), IsOk());
  for (int i = 0; i < 10; ++i) expectBothDreams(process_->build("ada"));
  EXPECT_EQ(process_->builder->healthCheck().state, HealthState::kWarn);

  ASSERT_THAT(servers_->redis().start(), IsOk());
  EXPECT_TRUE(eventually([&] {
    const BuiltContext context = process_->build("ada");
    expectBothDreams(context);
    return context.cache_hits == 5;
  }));
  EXPECT_EQ(process_->builder->healthCheck().state, HealthState::kPass);
}

// B-97
TEST_F(ContextBuilderOnServers, WithoutTheDatabaseShowsWhatIsCached) {
  process_->build("ada");
  ASSERT_THAT(process_->stores.dreams->create({.user_id = "ada", .title = "Swim"}), IsOk());
  ASSERT_THAT(servers_->postgres().cutOff(TcpProxy::Mode::kRefuse), IsOk());
  const BuiltContext context = process_->build("ada");
  EXPECT_THAT(context.failed, ::testing::ElementsAre(ContextSource::kDreams));
  EXPECT_THAT(context.text, HasSubstr("Name: Ada"));
  EXPECT_EQ(context.cache_hits, 4);
  ASSERT_THAT(servers_->postgres().reconnect(), IsOk());
  EXPECT_THAT(process_->build("ada").text, HasSubstr("- Swim"));
}

TEST(CreateContextBuilder, RefusesWhatCannotBe) {
  const Backends backends = connect(Config{}).value();
  const auto stores = createClarifyStores(backends);
  ASSERT_THAT(stores, IsOk());
  EXPECT_THAT(createContextBuilder(backends, {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("source")));
  EXPECT_THAT(createContextBuilder(backends, stores->sources, {.max_tokens = 0}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("max_tokens")));
  EXPECT_THAT(createContextBuilder(backends, stores->sources, {.timeout = absl::ZeroDuration()}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("timeout")));
}

}  // namespace
}  // namespace strata
