// CachingStore over Redis against hiredis by hand: GET and MGET of the bare JSON, decoded the same.
#include <hiredis/hiredis.h>

#include <map>
#include <memory>

#include "bench/comparison.h"
#include "bench/record.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/decorators/caching_store.h"
#include "strata/memory/in_memory_store.h"
#include "strata/strata.h"
#include "strata/testing/servers/local_servers.h"

namespace strata::bench {
namespace {

constexpr int kSessions = 128;  // one for each thread
constexpr int kManySessions = 100;

struct FreeContext {
  void operator()(redisContext* context) const { redisFree(context); }
};
struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, FreeReply>;

std::string plainKey(int number) { return "plain:" + makeSession(number).id; }

class HandWritten {
 public:
  HandWritten() {
    const testing::LocalRedis& server = testing::sharedServers().redis();
    context_.reset(redisConnect("127.0.0.1", server.port()));
    if (context_ == nullptr || context_->err != 0) fail("hiredis cannot connect");
  }

  void set(const std::string& key, const std::string& value) { call({"SET", key, value}); }

  std::shared_ptr<const Session> get(const std::string& key) { return decode(*call({"GET", key})); }

  std::vector<std::shared_ptr<const Session>> getMany(const std::vector<std::string>& keys) {
    std::vector<std::string_view> command{"MGET"};
    command.insert(command.end(), keys.begin(), keys.end());
    const Reply reply = call(command);
    std::vector<std::shared_ptr<const Session>> sessions;
    for (std::size_t i = 0; i < reply->elements; ++i)
      sessions.push_back(decode(*reply->element[i]));
    return sessions;
  }

 private:
  Reply call(const std::vector<std::string_view>& command) {
    std::vector<const char*> texts;
    std::vector<std::size_t> sizes;
    for (std::string_view word : command) {
      texts.push_back(word.data());
      sizes.push_back(word.size());
    }
    Reply reply(static_cast<redisReply*>(redisCommandArgv(
        context_.get(), static_cast<int>(texts.size()), texts.data(), sizes.data())));
    if (reply == nullptr || reply->type == REDIS_REPLY_ERROR) fail("hiredis");
    return reply;
  }

  static std::shared_ptr<const Session> decode(const redisReply& reply) {
    auto session = std::make_shared<Session>();
    if (reply.type != REDIS_REPLY_STRING ||
        !readJson(typeInfo<Session>(), {reply.str, static_cast<std::size_t>(reply.len)},
                  session.get())
             .ok()) {
      fail("hiredis found no session");
    }
    return session;
  }

  std::unique_ptr<redisContext, FreeContext> context_;
};

// A cached store, warm, and the same sessions under plain keys.
std::unique_ptr<Store<Session>> warmStore() {
  auto cache = RedisCache::create({.url = testing::sharedServers().redis().url()});
  if (!cache.ok()) fail(cache.status().ToString());
  auto memory = InMemoryStore<Session>::create(std::make_shared<InMemoryDatabase>());
  auto store = CachingStore<Session>::create(
      *std::move(memory), *cache, {.store = "bench", .app = "bench", .ttl = absl::Hours(1)});
  if (!store.ok()) fail(store.status().ToString());
  HandWritten by_hand;
  for (int i = 0; i < kSessions; ++i) {
    const Session session = makeSession(i);
    if (!(*store)->put(session).ok()) fail("put");
    // The first get may find the life of the server not known yet and fill nothing.
    for (int k = 0; k < 2; ++k) {
      if (!(*store)->get(session.id).ok()) fail("get");
    }
    by_hand.set(plainKey(i), encodeJson(session));
  }
  return *std::move(store);
}

void getOrFail(Store<Session>& store, const Id& id) {
  const auto found = store.get(id);
  if (!found.ok() || *found == nullptr) fail("get");
}

Row hitOneThread() {
  const auto store = warmStore();
  HandWritten by_hand;
  const Id id = makeSession(1).id;
  const std::string key = plainKey(1);
  return compareLatency(
      "redis_hit_1_thread", {Budget::Kind::kAtMost, 1.15}, [&] { getOrFail(*store, id); },
      [&] { by_hand.get(key); }, {.rounds = 40, .calls_per_round = 500});
}

std::string hitName(int threads) { return "redis_hit_" + std::to_string(threads) + "_threads"; }

Row hitManyThreads(int threads, Budget budget) {
  const auto store = warmStore();
  return compareThroughput(
      hitName(threads), budget,
      [&](int thread) -> Call {
        return [&store, id = Id(makeSession(thread).id)] { getOrFail(*store, id); };
      },
      [&](int thread) -> Call {
        return [by_hand = std::make_shared<HandWritten>(), key = plainKey(thread)] {
          by_hand->get(key);
        };
      },
      {.threads = threads});
}

Row getMany() {
  const auto store = warmStore();
  HandWritten by_hand;
  std::vector<Id> ids;
  std::vector<std::string> keys;
  for (int i = 0; i < kManySessions; ++i) {
    ids.emplace_back(makeSession(i).id);
    keys.push_back(plainKey(i));
  }
  return compareLatency(
      "redis_get_many_100", {Budget::Kind::kAtMost, 1.25},
      [&] {
        for (const auto& found : store->getMany(ids)) {
          if (!found.ok() || *found == nullptr) fail("getMany");
        }
      },
      [&] { by_hand.getMany(keys); }, {.rounds = 30, .calls_per_round = 100});
}

}  // namespace

std::vector<Benchmark> redisBenchmarks() {
  std::vector<Benchmark> all = {{"redis_hit_1_thread", hitOneThread}};
  for (const int threads : {2, 8, 32, 128}) {
    // The budget is for a crowd of this size; the others show the way there.
    const Budget budget = threads == 32 ? Budget{Budget::Kind::kAtLeast, 2.5} : Budget{};
    all.push_back({hitName(threads), [=] { return hitManyThreads(threads, budget); }});
  }
  all.push_back({"redis_get_many_100", getMany});
  return all;
}

}  // namespace strata::bench
