// What every ContextStore does, on whatever it stands. Instantiated per stack by
// context_store_test.cpp and tests/stores/conversations/context/context_store_pgtest.cpp.
#pragma once

#include <gmock/gmock.h>

#include <barrier>
#include <set>
#include <thread>

#include "strata/factories/context_store_factory.h"
#include "strata/factories/unit_of_work_factory.h"
#include "strata/records/json_codec.h"
#include "tests/stores/conversations/conversation/conversation_rows.h"

namespace strata {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::IsOkAndHolds;
using ::testing::Optional;
using testing::StatusIs;

inline void PrintTo(const ConversationContext& context, std::ostream* out) {
  *out << encodeJson(context);
}

class ContextStoreSuite : public ::testing::TestWithParam<RowsStack> {
 protected:
  using Nodes = std::vector<std::string>;

  void SetUp() override { insertConversation(backends_, tenant_, conversation_); }

  ConversationContext contextOf(const Nodes& nodes) const {
    return {.conversation_id = conversation_, .tenant_id = tenant_, .active_node_ids = nodes};
  }
  // The nodes that are stored; none where there is no context.
  std::optional<Nodes> nodes(const std::string& tenant, const std::string& conversation,
                             const ReadOptions& options = {}) const {
    const auto context = store_->load(tenant, conversation, options);
    EXPECT_THAT(context, IsOk());
    if (!context.ok() || !*context) return std::nullopt;
    return (*context)->active_node_ids;
  }
  std::optional<Nodes> nodes() const { return nodes(tenant_, conversation_); }

  static auto notFound() { return StatusIs(absl::StatusCode::kNotFound); }
  static auto refused(const std::string& why) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why));
  }

  testing::FakeClock clock_;
  const Backends backends_ = GetParam().connect(clock_);
  const std::unique_ptr<ContextStore> store_ = createContextStore(backends_).value();
  const std::string tenant_ = anyUuid();
  const std::string other_tenant_ = anyUuid();
  const std::string conversation_ = anyUuid();
};

// B-1
TEST_P(ContextStoreSuite, AnswersNoneWhereNothingWasSaved) {
  EXPECT_THAT(store_->load(tenant_, conversation_), IsOkAndHolds(std::nullopt));
  EXPECT_THAT(store_->load(tenant_, anyUuid()), IsOkAndHolds(std::nullopt));
}

// B-7, B-10
TEST_P(ContextStoreSuite, RoundTripsEveryFieldAndStampsTheTime) {
  ConversationContext context =
      contextOf({"größter Knoten 🎉", "'; DROP TABLE conversation_contexts; --", "a:b %*", " "});
  context.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  context.root_span_name = "";
  context.root_span_id = "00f067aa0ba902b7";
  const auto saved = store_->save(tenant_, context);
  context.updated_at = clock_.wallTime();
  EXPECT_THAT(saved, IsOkAndHolds(context));
  EXPECT_THAT(store_->load(tenant_, conversation_), IsOkAndHolds(context));
}

// B-2
TEST_P(ContextStoreSuite, ReplacesTheWholeContext) {
  ConversationContext first = contextOf({"a", "b"});
  first.trace_id = "t";
  ASSERT_THAT(store_->save(tenant_, first), IsOk());
  clock_.advance(absl::Seconds(1));
  ConversationContext second = contextOf({"c"});
  second.tenant_id = "";
  ASSERT_THAT(store_->save(tenant_, second), IsOk());
  second.tenant_id = tenant_;
  second.updated_at = clock_.wallTime();
  EXPECT_THAT(store_->load(tenant_, conversation_), IsOkAndHolds(second));
}

TEST_P(ContextStoreSuite, CountsANodeThatIsNamedTwiceWhereItStandsFirst) {
  ASSERT_THAT(store_->save(tenant_, contextOf({"a", "b", "a", "A", "b"})), IsOk());
  EXPECT_THAT(nodes(), Optional(ElementsAre("a", "b", "A")));
}

TEST_P(ContextStoreSuite, NeverLetsItsTimeRunBackwards) {
  const auto first = store_->save(tenant_, contextOf({"a"}));
  clock_.jumpWallClock(-absl::Hours(1));
  EXPECT_EQ(store_->save(tenant_, contextOf({"b"}))->updated_at, first->updated_at);
  EXPECT_EQ(store_->mergeActiveNodeIds(tenant_, conversation_, {"c"})->updated_at,
            first->updated_at);
}

TEST_P(ContextStoreSuite, SavesNothingForAConversationThatIsNotThere) {
  ConversationContext context = contextOf({"a"});
  context.conversation_id = anyUuid();
  EXPECT_THAT(store_->save(tenant_, context), notFound());
  EXPECT_THAT(store_->mergeActiveNodeIds(tenant_, context.conversation_id, {"a"}), notFound());
  EXPECT_EQ(nodes(tenant_, context.conversation_id), std::nullopt);
}

// B-81
TEST_P(ContextStoreSuite, FindsAndChangesNothingWithAnotherTenant) {
  ASSERT_THAT(store_->save(tenant_, contextOf({"a"})), IsOk());
  ConversationContext context = contextOf({"b"});
  EXPECT_THAT(store_->save(other_tenant_, context), notFound()) << "it names its tenant";
  context.tenant_id = other_tenant_;
  EXPECT_THAT(store_->save(tenant_, context), notFound()) << "it names the other one";
  EXPECT_THAT(store_->save(other_tenant_, context), notFound());
  EXPECT_THAT(store_->mergeActiveNodeIds(other_tenant_, conversation_, {"b"}), notFound());
  EXPECT_EQ(nodes(other_tenant_, conversation_), std::nullopt);
  EXPECT_THAT(nodes(), Optional(ElementsAre("a")));
}

// B-81
TEST_P(ContextStoreSuite, KeepsConversationsOfOneIdInTwoTenantsApart) {
  insertConversation(backends_, other_tenant_, conversation_);
  ASSERT_THAT(store_->save(tenant_, contextOf({"a"})), IsOk());
  ASSERT_THAT(store_->mergeActiveNodeIds(other_tenant_, conversation_, {"b"}), IsOk());
  EXPECT_THAT(nodes(), Optional(ElementsAre("a")));
  EXPECT_THAT(nodes(other_tenant_, conversation_), Optional(ElementsAre("b")));
}

TEST_P(ContextStoreSuite, MergesInOrderAndWithoutRepeats) {
  ConversationContext context = contextOf({"c", "a"});
  context.trace_id = "t";
  ASSERT_THAT(store_->save(tenant_, context), IsOk());
  clock_.advance(absl::Seconds(1));
  context.active_node_ids = {"c", "a", "d", "b"};
  context.updated_at = clock_.wallTime();
  EXPECT_THAT(store_->mergeActiveNodeIds(tenant_, conversation_, {"d", "a", "b", "d"}),
              IsOkAndHolds(context));
  EXPECT_THAT(store_->load(tenant_, conversation_), IsOkAndHolds(context));
}

TEST_P(ContextStoreSuite, MakesAContextByMergingWhereThereIsNone) {
  ConversationContext expected = contextOf({"b", "a"});
  expected.updated_at = clock_.wallTime();
  EXPECT_THAT(store_->mergeActiveNodeIds(tenant_, conversation_, {"b", "a", "b"}),
              IsOkAndHolds(expected));
  EXPECT_THAT(store_->load(tenant_, conversation_), IsOkAndHolds(expected));
}

TEST_P(ContextStoreSuite, MakesAnEmptyContextByMergingNothing) {
  ASSERT_THAT(store_->mergeActiveNodeIds(tenant_, conversation_, {}), IsOk());
  EXPECT_EQ(nodes(), Nodes());
}

TEST_P(ContextStoreSuite, LeavesAContextAloneThatHasAllNodesAlready) {
  const auto saved = store_->save(tenant_, contextOf({"a", "b"}));
  ASSERT_THAT(saved, IsOk());
  clock_.advance(absl::Seconds(1));
  EXPECT_THAT(store_->mergeActiveNodeIds(tenant_, conversation_, {"b", "a"}), IsOkAndHolds(*saved));
  EXPECT_THAT(store_->load(tenant_, conversation_), IsOkAndHolds(*saved));
}

// B-6
TEST_P(ContextStoreSuite, RefusesWhatCannotBeStored) {
  EXPECT_THAT(store_->load("acme", conversation_), refused("tenant_id"));
  EXPECT_THAT(store_->load(tenant_, "c"), refused("conversation_id"));
  EXPECT_THAT(store_->save("acme", contextOf({})), refused("tenant_id"));
  EXPECT_THAT(store_->mergeActiveNodeIds(tenant_, "", {"a"}), refused("conversation_id"));
  for (const std::string& name : {std::string(), std::string("a\0b", 3), std::string("\xff")}) {
    EXPECT_THAT(store_->save(tenant_, contextOf({"a", name})), refused("active_node_ids"));
    EXPECT_THAT(store_->mergeActiveNodeIds(tenant_, conversation_, {"a", name}),
                refused("active_node_ids"));
  }
  EXPECT_EQ(nodes(), std::nullopt) << "nothing of it was stored";
}

TEST_P(ContextStoreSuite, TakesIdsInEitherCaseForTheSame) {
  const auto upper = [](std::string id) {
    for (char& c : id) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return id;
  };
  ConversationContext context = contextOf({"a"});
  context.tenant_id = upper(tenant_);
  context.conversation_id = upper(conversation_);
  ASSERT_THAT(store_->save(tenant_, context), IsOk());
  ASSERT_THAT(store_->mergeActiveNodeIds(upper(tenant_), upper(conversation_), {"b"}), IsOk());
  EXPECT_THAT(nodes(upper(tenant_), upper(conversation_)), Optional(ElementsAre("a", "b")));
  EXPECT_EQ((*store_->load(tenant_, conversation_))->tenant_id, tenant_);
}

// B-11: the first merges of all, so that nobody finds a row to wait for.
TEST_P(ContextStoreSuite, LosesNothingOfConcurrentMerges) {
  const Backends others = GetParam().connect(clock_);
  const auto other_store = createContextStore(others).value();
  constexpr int kThreads = 8;
  constexpr int kMerges = 20;
  std::barrier start(kThreads);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      ContextStore& store = thread % 2 == 0 ? *store_ : *other_store;
      start.arrive_and_wait();
      for (int i = 0; i < kMerges; ++i) {
        const std::string own = std::to_string(thread) + "-" + std::to_string(i);
        EXPECT_THAT(store.mergeActiveNodeIds(tenant_, conversation_, {own, "all"}), IsOk());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto merged = nodes();
  ASSERT_NE(merged, std::nullopt);
  EXPECT_EQ(merged->size(), kThreads * kMerges + 1U);
  EXPECT_EQ(std::set<std::string>(merged->begin(), merged->end()).size(), merged->size());
}

TEST_P(ContextStoreSuite, IsPartOfAUnitOfWork) {
  ASSERT_THAT(store_->save(tenant_, contextOf({"a"})), IsOk());
  for (const bool commits : {false, true}) {
    const auto unit = *beginUnitOfWork(backends_);
    ASSERT_THAT(store_->save(tenant_, contextOf({"b"}), {.unit = unit.get()}), IsOk());
    ASSERT_THAT(store_->mergeActiveNodeIds(tenant_, conversation_, {"c"}, {.unit = unit.get()}),
                IsOk());
    EXPECT_THAT(store_->save(tenant_, {.conversation_id = anyUuid()}, {.unit = unit.get()}),
                notFound());
    EXPECT_THAT(nodes(tenant_, conversation_, {.unit = unit.get()}),
                Optional(ElementsAre("b", "c")))
        << "an error that changed nothing does not end it";
    if (!commits) {
      unit->rollback();
      EXPECT_THAT(nodes(), Optional(ElementsAre("a")));
      continue;
    }
    EXPECT_THAT(unit->commit(), IsOk());
    EXPECT_THAT(nodes(), Optional(ElementsAre("b", "c")));
  }
}

TEST_P(ContextStoreSuite, IsHealthy) { EXPECT_EQ(store_->healthCheck().state, HealthState::kPass); }

}  // namespace strata
