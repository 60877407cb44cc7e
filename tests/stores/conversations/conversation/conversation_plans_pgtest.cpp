// How PostgreSQL runs the statements of the conversation and path stores among 100 000
// conversations and 110 000 messages: the plans that it took, told by its auto_explain, and how
// many statements a call is, told by its pg_stat_statements.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "stores/conversations/conversation/postgres_conversation_tables.h"
#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/path_store_factory.h"
#include "strata/testing/status_matchers.h"
#include "tests/stores/conversations/conversation/many_conversations.h"
#include "tests/stores/explained_server.h"
#include "tests/stores/plan_checks.h"

namespace strata {
namespace {

using internal::CompactionFilter;
using internal::ListFilter;
using testing::IsOk;
using Tables = internal::ConversationTables;

constexpr int kPage = 50;

// They do not bind the superuser.
Config withPolicies(Config config) {
  config.domain.enable_row_level_security = true;
  return config;
}

class ManyConversations : public ExplainedServer {
 protected:
  static void SetUpTestSuite() {
    ASSERT_THAT(start({{"shared_preload_libraries", "pg_stat_statements"}}), IsOk());
    ASSERT_THAT(createConversationStore(withPolicies(config())), IsOk());
    ask(kMakeBoundRole);
    ASSERT_THAT(insertManyConversations(servers->postgres()), IsOk());
    ask("ANALYZE conversations, conversation_paths, messages");
    ask("CREATE EXTENSION pg_stat_statements");
  }
};

// ---- Plans ----

class Plans : public PlansOf<internal::PostgresConversationTables, ManyConversations> {
 protected:
  void SetUp() override {
    PlansOf::SetUp();
    bound_tenant_ = tenant_;
  }

  // An index leads to what is wanted: little else is read.
  void expectFound(const char* what, const auto& call) {
    const std::string plans = plansWithoutScan(what, call);
    EXPECT_LE(most(plans, "Rows Removed by Filter: (\\d+)"), 2 * kPage) << what << "\n" << plans;
  }
  // And the order is the index's: no more than a page is sorted, or read.
  void expectPage(const char* what, const auto& call) {
    const std::string plans = plansWithoutScan(what, call);
    EXPECT_LE(most(plans, "Rows Removed by Filter: (\\d+)"), 2 * kPage) << what << "\n" << plans;
    EXPECT_LE(most(plans, "actual rows=(\\d+)"), kPage + 1) << what << "\n" << plans;
  }

  // One that may have to end early: what is summed up is the page alone.
  void expectLongPage(ListFilter filter) {
    filter.limit = ListFilter::kAlwaysInAPage + 1;
    const std::string plans =
        plansWithoutScan("long page", [&](Tables& tables) { return tables.list(tenant_, filter); });
    EXPECT_LE(most(plans, "WindowAgg .*actual rows=(\\d+)"), filter.limit) << plans;
  }

  // All steps together have met no more than a page and what was skipped, for each path of a line
  // of four, in each of a few steps.
  void expectPageOfLine(std::int64_t offset) {
    const std::string plans = plansWithoutScan("resolve a page", [&](Tables& t) {
      return t.resolvedMessages(tenant_, deep_, {.limit = kPage, .offset = offset});
    });
    EXPECT_LE(rowsMet(plans), 4 * 5 * (kPage + static_cast<double>(offset))) << plans;
  }

  const std::string tenant_ = many::tenant(many::kLarge);
  const std::string large_ = many::conversation(many::kLarge);
  const std::string main_ = many::path(many::kLarge);
  const std::string deep_ = many::path(many::kDeepPath);
  const std::string message_ = many::message(404'000);
};

TEST_P(Plans, FindConversationsByAnIndex) {
  const std::vector<std::string> some = {large_, many::conversation(107)};
  expectFound("get", [&](Tables& t) { return t.conversation(tenant_, large_); });
  expectFound("get many", [&](Tables& t) { return t.conversations(tenant_, some); });
  expectFound("lock", [&](Tables& t) { return t.lockConversation(tenant_, large_); });
  expectFound("lock by path", [&](Tables& t) { return t.lockConversationOfPath(tenant_, deep_); });
  expectFound("lock by message",
              [&](Tables& t) { return t.lockConversationOfMessage(tenant_, message_); });
  Conversation made{.id = many::uuid(6, numberOfMode()), .tenant_id = tenant_};
  expectFound("insert", [&](Tables& t) { return t.insert(made); });
  made.title = "changed";
  expectFound("update", [&](Tables& t) { return t.update(made); });
}

// Under policies the second page read the first one as well, and so on: 504 rows for 51, because
// PostgreSQL takes no condition with COALESCE for an index before it has applied the policy.
TEST_P(Plans, ReadPagesOfConversationsInTheOrderOfAnIndex) {
  for (const auto status :
       {ConversationStatus::kActive, ConversationStatus::kArchived, ConversationStatus::kAll}) {
    ListFilter filter{.reader = many::owner(), .status = status, .after = {}, .limit = kPage + 1};
    const auto list = [&](Tables& tables) { return tables.list(tenant_, filter); };
    expectPage("first page", list);
    expectLongPage(filter);
    filter.after = {.active_at = Clock::system().wallTime() - std::chrono::hours(24 * 35),
                    .id = large_};
    expectPage("next page", list);
  }
}

// It reads the tenant's conversations of the last week, whose messages are counted already.
TEST_P(Plans, FindConversationsThatNeedCompactionByTheirActivity) {
  const Timestamp now = Clock::system().wallTime();
  const CompactionFilter filter{.active_since = now - std::chrono::days(7),
                                .not_compacted_since = now - std::chrono::days(1),
                                .more_messages_than = 50,
                                .limit = kPage};
  const std::string plans = plansWithoutScan("needing compaction", [&](Tables& tables) {
    return tables.needingCompaction(tenant_, filter);
  });
  EXPECT_LE(most(plans, "Rows Removed by Filter: (\\d+)"), 7 * 24 * 60 / 100 + 10) << plans;
}

TEST_P(Plans, FindPathsByAnIndex) {
  expectFound("get", [&](Tables& t) { return t.path(tenant_, deep_); });
  expectFound("primary", [&](Tables& t) { return t.primaryPath(tenant_, large_); });
  for (const bool inactive : {false, true}) {
    for (const auto parent : {PathParent::kAny, PathParent::kRoots, PathParent::kOf}) {
      PathQuery query{.include_inactive = inactive, .parent = parent};
      if (parent == PathParent::kOf) query.parent_path_id = main_;
      expectFound("list", [&](Tables& t) { return t.pathsOf(tenant_, large_, query); });
    }
  }
  expectFound("chain", [&](Tables& t) { return t.chain(tenant_, deep_); });
  expectFound("use", [&](Tables& t) { return t.useOf(tenant_, main_); });
}

TEST_P(Plans, FindMessagesByAnIndex) {
  expectFound("get", [&](Tables& t) { return t.message(tenant_, message_); });
  expectPage("newest of all",
             [&](Tables& t) { return t.newestMessages(tenant_, large_, std::nullopt, kPage); });
  expectPage("newest of a path",
             [&](Tables& t) { return t.newestMessages(tenant_, large_, main_, kPage); });
  expectFound("resolve", [&](Tables& t) {
    return t.resolvedMessages(tenant_, deep_,
                              {.limit = kPage, .offset = many::kDeepMessages - kPage});
  });
  expectFound("live", [&](Tables& t) { return t.liveMessages(tenant_, main_); });
  expectFound("branch points", [&](Tables& t) { return t.branchPoints(tenant_, main_); });
  for (const auto& of : {std::optional<std::string>(), std::optional(deep_)}) {
    expectFound("pinned", [&](Tables& t) { return t.pinnedMessages(tenant_, large_, of); });
    expectFound("count pinned", [&](Tables& t) { return t.pinnedCount(tenant_, large_, of); });
  }
}

// The first page took 15 ms, for it read and sorted all 5 200 messages of the line.
TEST_P(Plans, ResolveAPageWithoutReadingTheLine) {
  expectPageOfLine(0);
  expectPageOfLine(kPage);
}

// With what the database does by itself for foreign keys, which auto_explain tells too.
TEST_P(Plans, ChangePathsAndMessagesByAnIndex) {
  Path made{.id = many::uuid(6, 1),
            .conversation_id = large_,
            .tenant_id = tenant_,
            .parent_path_id = main_,
            .branch_point_message_id = message_};
  expectFound("insert", [&](Tables& t) { return t.insert(made); });
  made.name = "changed";
  expectFound("update", [&](Tables& t) { return t.update(made); });
  std::vector<Message> added;
  for (int i = 1; i <= 3; ++i) {
    added.push_back({.id = many::uuid(7, i), .conversation_id = large_, .path_id = made.id});
  }
  expectFound("append", [&](Tables& t) { return t.append(tenant_, added); });
  added[0].content = "changed";
  expectFound("update message", [&](Tables& t) { return t.update(tenant_, added[0]); });
  expectFound("count", [&](Tables& t) { return t.addToMessageCount(tenant_, made.id, 0); });
  expectFound("remove", [&](Tables& t) { return t.removePath(tenant_, made.id); });
}

// Plans that were made while the tables were empty: the sessions of a new deployment keep them
// until the statistics of its tables are renewed, which autovacuum does once a minute at best.
class KeptPlans : public PlansOf<internal::PostgresConversationTables> {
 protected:
  static void SetUpTestSuite() {
    ASSERT_THAT(start({{"autovacuum", "off"}}), IsOk());
    ASSERT_THAT(createConversationStore(withPolicies(config())), IsOk());
    ask(kMakeBoundRole);
  }
  void SetUp() override {
    ask("TRUNCATE conversations CASCADE");
    PlansOf::SetUp();
    bound_tenant_ = many::tenant(many::kLarge);
  }
};

using Calls = std::vector<std::pair<const char*, std::function<absl::Status(Tables&)>>>;

// Of the tenant that has the most.
Calls callsOfTheLargest() {
  const std::string tenant = many::tenant(many::kLarge);
  const std::string conversation = many::conversation(many::kLarge);
  const std::string path = many::path(many::kLarge);
  const std::string deep = many::path(many::kDeepPath);
  const ListFilter filter{.reader = many::owner(), .after = {}, .limit = kPage};
  return {
      {"get", [=](Tables& t) { return t.conversation(tenant, conversation).status(); }},
      {"get many",
       [=](Tables& t) {
         return t.conversations(tenant, {conversation, many::conversation(107)}).status();
       }},
      {"lock", [=](Tables& t) { return t.lockConversation(tenant, conversation).status(); }},
      {"lock by path", [=](Tables& t) { return t.lockConversationOfPath(tenant, deep).status(); }},
      {"list", [=](Tables& t) { return t.list(tenant, filter).status(); }},
      {"get path", [=](Tables& t) { return t.path(tenant, deep).status(); }},
      {"primary path", [=](Tables& t) { return t.primaryPath(tenant, conversation).status(); }},
      {"paths", [=](Tables& t) { return t.pathsOf(tenant, conversation, {}).status(); }},
      {"chain", [=](Tables& t) { return t.chain(tenant, deep).status(); }},
      {"use", [=](Tables& t) { return t.useOf(tenant, path).status(); }},
      {"newest of all",
       [=](Tables& t) { return t.newestMessages(tenant, conversation, {}, kPage).status(); }},
      {"newest of a path",
       [=](Tables& t) { return t.newestMessages(tenant, conversation, path, kPage).status(); }},
      {"resolve",
       [=](Tables& t) { return t.resolvedMessages(tenant, deep, {.limit = kPage}).status(); }},
      {"live", [=](Tables& t) { return t.liveMessages(tenant, path).status(); }},
      {"branch points", [=](Tables& t) { return t.branchPoints(tenant, path).status(); }},
      {"pinned", [=](Tables& t) { return t.pinnedMessages(tenant, conversation, {}).status(); }},
  };
}

TEST_P(KeptPlans, ReadWhatATenantHasOnceAtMost) {
  // Counted by each step that a row passes through.
  constexpr double kTenantsMessages = 11'000;
  const Calls calls = callsOfTheLargest();
  // A new schema voids all plans, also one for temporary tables, which filling begins with.
  ask("CREATE TEMP TABLE first (number int)");
  std::map<std::string, std::string> costs;
  for (const auto& [what, call] : calls) costs[what] = costOf(plansOf(what, call));
  ASSERT_THAT(insertManyConversations(servers->postgres()), IsOk());
  for (const auto& [what, call] : calls) {
    const std::string plans = plansOf(what, call);
    EXPECT_EQ(costOf(plans), costs[what]) << what << ": not the plan that was made before";
    // Two conversations by their ids read all 1 000 of the tenant; a page of a line all of it.
    const double reads = std::string_view(what).starts_with("get")       ? 20
                         : std::string_view(what).starts_with("resolve") ? 20 * kPage
                                                                         : 2 * kTenantsMessages;
    EXPECT_LE(rowsMet(plans), reads) << what << "\n" << plans;
  }
}

INSTANTIATE_TEST_SUITE_P(Kept, KeptPlans, ::testing::ValuesIn(kKeptPlanModes),
                         [](const auto& mode) { return mode.param.name(); });

INSTANTIATE_TEST_SUITE_P(Planned, Plans, ::testing::ValuesIn(kAllPlanModes),
                         [](const auto& mode) { return mode.param.name(); });

// ---- Statements of a call ----

class StatementsOfACall : public ManyConversations {
 protected:
  // Beside those that begin and end a transaction, which the server counts unless they are prepared.
  int countOf(const std::function<absl::Status()>& call) {
    EXPECT_THAT(call(), IsOk());  // once before, so that nothing is made ready while it counts
    ask("SELECT pg_stat_statements_reset()");
    EXPECT_THAT(call(), IsOk());
    return counted();
  }
  static int counted() {
    return std::stoi(
        ask("SELECT coalesce(sum(calls), 0) FROM pg_stat_statements"
            " WHERE toplevel AND query NOT LIKE '%pg\\_stat\\_statements%'"
            " AND query NOT SIMILAR TO '(BEGIN|COMMIT)%'"));
  }
  // In a conversation of ten messages as in one of ten thousand.
  void expectCount(int count, const std::function<absl::Status(int conversation)>& call) {
    EXPECT_EQ(countOf([&] { return call(many::kSmall); }), count) << "10 messages";
    EXPECT_EQ(countOf([&] { return call(many::kLarge); }), count) << "10 000 messages";
  }
  static Caller readerOf(int conversation) { return {many::tenant(conversation), many::owner()}; }
  static Backends backendsOnServer() { return connect(config()).value(); }

  const Backends backends_ = backendsOnServer();
  const std::unique_ptr<ConversationStore> conversations_ =
      createConversationStore(backends_).value();
  const std::unique_ptr<PathStore> paths_ = createPathStore(backends_).value();
};

TEST_F(StatementsOfACall, AreOneForAPageOfConversations) {
  expectCount(1, [&](int of) { return conversations_->listConversations(readerOf(of)).status(); });
}

TEST_F(StatementsOfACall, AreOneForAConversation) {
  expectCount(1, [&](int of) {
    return conversations_->getConversation(readerOf(of), many::conversation(of)).status();
  });
}

TEST_F(StatementsOfACall, AreOneToResolveAPath) {
  expectCount(1, [&](int of) {
    const int path = of == many::kLarge ? many::kDeepPath : many::kSmallBranch;
    return paths_->resolvePathMessages(many::tenant(of), many::path(path)).status();
  });
}

// The conversation, then its messages; of one path the path too.
TEST_F(StatementsOfACall, AreTwoOrThreeForMessages) {
  expectCount(2, [&](int of) {
    return conversations_->getMessages(readerOf(of), many::conversation(of)).status();
  });
  expectCount(3, [&](int of) {
    return conversations_
        ->getMessages(readerOf(of), many::conversation(of), {.path_id = many::path(of)})
        .status();
  });
}

// Lock the conversation, find the path, append.
TEST_F(StatementsOfACall, AreThreeToAppendAMessage) {
  expectCount(3, [&](int of) {
    return conversations_
        ->appendMessage(readerOf(of),
                        {.conversation_id = many::conversation(of), .content = "Hello"})
        .status();
  });
}

// However many messages are copied.
TEST_F(StatementsOfACall, AreTheSameToMergeTwoMessagesOrAHundred) {
  int branch = 0;
  const auto merge = [&](int of, int messages) {
    const std::string tenant = many::tenant(of);
    const auto made = paths_->createPath(
        tenant, {.conversation_id = many::conversation(of), .id = many::uuid(8, ++branch)});
    for (int i = 0; i < messages && made.ok(); ++i) {
      EXPECT_THAT(
          conversations_->appendMessage(
              readerOf(of),
              {.conversation_id = many::conversation(of), .content = "Hello", .path_id = made->id}),
          IsOk());
    }
    ask("SELECT pg_stat_statements_reset()");
    const MergeRequest request{.source_path_id = many::uuid(8, branch),
                               .target_path_id = many::path(of),
                               .mode = MergeMode::kFull};
    EXPECT_THAT(paths_->mergePath(tenant, request), IsOk());
    return counted();
  };
  merge(many::kSmall, 1);
  // Lock the conversation, the source twice, the target, the source's messages, the target's
  // newest, append, mark the source.
  EXPECT_EQ(merge(many::kSmall, 2), 8);
  EXPECT_EQ(merge(many::kLarge, 2), 8);
  EXPECT_EQ(merge(many::kLarge, 100), 8);
}

}  // namespace
}  // namespace strata
