// Many threads at work in one conversation, in memory and on servers: what they leave hangs
// together, and nobody is answered anything but what a rule forbids.
#include <atomic>
#include <barrier>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "tests/stores/conversations/conversation/conversation_server_stacks.h"

namespace strata {
namespace {

constexpr int kThreads = 8;
constexpr int kCalls = 50;  // of each thread

// Ids that threads hand to each other.
class Known {
 public:
  void add(const std::string& id) {
    const std::lock_guard lock(mutex_);
    ids_.push_back(id);
  }
  std::string any(std::mt19937& random) const {
    const std::lock_guard lock(mutex_);
    return ids_[random() % ids_.size()];
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> ids_;
};

// On the system's clock: threads that wait for each other wait for real.
class ConversationConcurrency : public ConversationStoresTest {
 protected:
  // `work(thread)` on every thread, begun at one moment.
  template <typename Work>
  static void onEveryThread(Work work) {
    std::barrier together(kThreads);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        together.arrive_and_wait();
        work(i);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  // How many of `kThreads` calls succeeded; the others were answered `refusal`.
  template <typename Call>
  static int winners(absl::StatusCode refusal, Call call) {
    std::atomic<int> won{0};
    onEveryThread([&](int thread) {
      const absl::Status status = call(thread);
      if (status.ok()) ++won;
      EXPECT_THAT(status, ::testing::AnyOf(IsOk(), StatusIs(refusal)));
    });
    return won;
  }

  // What always holds of a conversation, whatever was done to it.
  void expectSound(const std::string& conversation) {
    const auto paths = must(paths_.listPaths(tenant_, conversation, {.include_inactive = true}));
    std::map<std::string, std::int64_t> branches;
    int primaries = 0;
    for (const Path& path : paths) {
      if (path.is_primary) ++primaries;
      if (path.parent_path_id) ++branches[*path.parent_path_id];
    }
    EXPECT_EQ(primaries, 1);
    for (const Path& path : paths) {
      EXPECT_EQ(path.branch_count, branches[path.id]);
      expectSoundPath(path);
    }
    EXPECT_TRUE(must(paths_.getActivePath(tenant_, conversation)).is_active);
  }
  void expectSoundPath(const Path& path) {
    const auto own = must(conversations_.getMessages(owner(), path.conversation_id,
                                                     {.limit = 1000, .path_id = path.id}));
    std::int64_t sequence = 0;
    std::int64_t live = 0;
    for (const Message& each : own) {
      EXPECT_EQ(each.sequence_in_path, ++sequence) << "a gap or a repeat";
      EXPECT_EQ(each.is_branch_point, !each.branched_to_paths.empty());
      if (!each.deleted_at) ++live;
      for (const std::string& branch : each.branched_to_paths) {
        EXPECT_EQ(must(paths_.getPath(tenant_, branch)).branch_point_message_id, each.id);
      }
    }
    EXPECT_EQ(path.message_count, live);
  }

  // One call of a thread that does everything by turns.
  absl::Status doAnything(const std::string& conversation, const std::string& main,
                          std::mt19937& random) {
    switch (random() % 12) {
      case 0:
        return remember(paths_.branchFromMessage(tenant_, messages_.any(random)), branches_);
      case 1:
        return paths_
            .mergePath(tenant_, {.source_path_id = branches_.any(random),
                                 .target_path_id = random() % 2 ? main : branches_.any(random),
                                 .mode = random() % 2 ? MergeMode::kFull : MergeMode::kSummary})
            .status();
      case 2:
        return paths_.setActivePath(tenant_, conversation, branches_.any(random)).status();
      case 3:
        return paths_.setActivePath(tenant_, conversation, main).status();
      case 4:
        return paths_.deletePath(tenant_, branches_.any(random), PathDeletion::kSoft);
      case 5:
        return paths_.pinMessage(tenant_, messages_.any(random), owner_).status();
      case 6:
        return random() % 4
                   ? absl::OkStatus()
                   : conversations_.softDeleteMessage(owner(), messages_.any(random)).status();
      default:
        break;
    }
    NewMessage message{.conversation_id = conversation, .content = "m"};
    if (random() % 3 == 0) message.path_id = main;
    if (random() % 5 == 0) message.path_id = branches_.any(random);
    return remember(conversations_.appendMessage(owner(), message), messages_);
  }
  template <typename T>
  static absl::Status remember(const absl::StatusOr<T>& made, Known& known) {
    if (made.ok()) known.add(made->id);
    return made.status();
  }

  Known messages_;
  Known branches_;
};

ConversationStack onSystemClock(std::string name, std::function<Config()> config) {
  return {
      std::move(name), [config] {
        ConversationStores stores{.clock = std::make_unique<testing::FakeClock>(),
                                  .metrics = std::make_shared<InMemoryMetrics>(),
                                  .backends = {},
                                  .conversations = nullptr,
                                  .paths = nullptr};
        stores.backends = must(connect(
            config(), {.metrics = stores.metrics, .memory = std::make_shared<InMemoryDatabase>()}));
        stores.conversations = must(createConversationStore(stores.backends));
        stores.paths = must(createPathStore(stores.backends));
        return stores;
      }};
}

INSTANTIATE_TEST_SUITE_P(Everywhere, ConversationConcurrency,
                         ::testing::Values(onSystemClock("InMemory", [] { return Config(); }),
                                           onSystemClock("Postgres", postgresOnly),
                                           onSystemClock("PostgresCachingOverRedis",
                                                         postgresAndRedis)),
                         nameOfStack);

TEST_P(ConversationConcurrency, NumbersTheMessagesOfOnePathWithoutGapsOrRepeats) {
  const Conversation made = converse();
  onEveryThread([&](int) {
    for (int i = 0; i < kCalls; ++i) {
      must(conversations_.appendMessage(owner(), {.conversation_id = made.id, .content = "m"}));
    }
  });
  EXPECT_EQ(primary(made.id).message_count, kThreads * kCalls);
  expectSound(made.id);
}

// The seed is the thread's number: a run is not repeatable all the same.
TEST_P(ConversationConcurrency, LeavesASoundConversationWhateverIsDoneAtOnce) {
  const Conversation made = converse();
  const std::string main = *made.active_path_id;
  const std::string first = say(made.id, "first").id;
  messages_.add(first);
  branches_.add(branch(first).id);
  std::atomic<int> done{0};
  onEveryThread([&](int thread) {
    std::mt19937 random(static_cast<unsigned>(thread));
    for (int i = 0; i < kCalls; ++i) {
      const absl::Status status = doAnything(made.id, main, random);
      if (status.ok()) ++done;
      EXPECT_THAT(status, ::testing::AnyOf(IsOk(), forbidden()));
    }
  });
  EXPECT_GT(done, kThreads * kCalls / 4);
  expectSound(made.id);
  EXPECT_EQ(*must(conversations_.getConversation(owner(), made.id)), latest(made.id));
}

TEST_P(ConversationConcurrency, CreatesOneConversationOfAnId) {
  const std::string id = newId();
  EXPECT_EQ(winners(absl::StatusCode::kAlreadyExists,
                    [&](int) {
                      return conversations_
                          .createConversation({.tenant_id = tenant_, .user_id = owner_, .id = id})
                          .status();
                    }),
            1);
  expectSound(id);
}

// In conversations of their own, so that no lock of one decides.
TEST_P(ConversationConcurrency, CreatesOneMessageAndOnePathOfAnId) {
  std::vector<Conversation> made;
  for (int i = 0; i < kThreads; ++i) made.push_back(converse());
  const std::string id = newId();
  const auto of = [&](int thread) { return made[static_cast<std::size_t>(thread)].id; };
  EXPECT_EQ(winners(absl::StatusCode::kAlreadyExists,
                    [&](int thread) {
                      return conversations_
                          .appendMessage(owner(), {.conversation_id = of(thread), .id = id})
                          .status();
                    }),
            1);
  EXPECT_EQ(
      winners(
          absl::StatusCode::kAlreadyExists,
          [&](int thread) {
            return paths_.createPath(tenant_, {.conversation_id = of(thread), .id = id}).status();
          }),
      1);
  for (const Conversation& each : made) expectSound(each.id);
}

TEST_P(ConversationConcurrency, MergesAPathOnce) {
  const Conversation made = converse();
  const std::string source = branch(say(made.id, "m1").id).id;
  say(made.id, "s1", source);
  EXPECT_EQ(winners(absl::StatusCode::kFailedPrecondition,
                    [&](int) {
                      return paths_
                          .mergePath(tenant_, {.source_path_id = source,
                                               .target_path_id = *made.active_path_id,
                                               .mode = MergeMode::kFull})
                          .status();
                    }),
            1);
  EXPECT_EQ(primary(made.id).message_count, 2);
  expectSound(made.id);
}

TEST_P(ConversationConcurrency, MergesOneOfTwoPathsIntoEachOther) {
  const Conversation made = converse();
  const std::string origin = say(made.id, "m1").id;
  const std::string a = branch(origin).id;
  const std::string b = branch(origin).id;
  EXPECT_EQ(winners(absl::StatusCode::kFailedPrecondition,
                    [&](int thread) {
                      return paths_
                          .mergePath(tenant_, {.source_path_id = thread % 2 ? a : b,
                                               .target_path_id = thread % 2 ? b : a})
                          .status();
                    }),
            1);
  expectSound(made.id);
}

TEST_P(ConversationConcurrency, RemovesNoPathFromUnderABranch) {
  for (int i = 0; i < 10; ++i) {
    const Conversation made = converse();
    const std::string side = branch(say(made.id, "m1").id).id;
    const std::string said = say(made.id, "s1", side).id;
    std::atomic<int> removed{0};
    std::atomic<int> branched{0};
    onEveryThread([&](int thread) {
      if (thread % 2 == 0 && paths_.deletePath(tenant_, side, PathDeletion::kHard).ok()) ++removed;
      if (thread % 2 == 1 && paths_.branchFromMessage(tenant_, said).ok()) ++branched;
    });
    EXPECT_TRUE((removed == 1 && branched == 0) || (removed == 0 && branched == kThreads / 2))
        << removed << " removed, " << branched << " branched";
    expectSound(made.id);
  }
}

}  // namespace
}  // namespace strata
