// What every ConversationStore does with lists of conversations.
#pragma once

#include <algorithm>
#include <map>

#include "tests/stores/conversations/conversation/conversation_suite.h"

namespace strata {

class ConversationListSuite : public ConversationStoresTest {
 protected:
  static constexpr int kPageSizes[] = {1, 2, 7};

  std::vector<std::string> list(const ConversationQuery& query = {}) {
    return list(owner(), query);
  }
  std::vector<std::string> list(const Caller& caller, const ConversationQuery& query = {}) {
    return idsOf(must(conversations_.listConversations(caller, query)).conversations);
  }

  // The ids that a walk through all pages sees; `between` is called between two pages.
  std::vector<std::string> walk(
      ConversationQuery query, const std::function<void()>& between = [] {}) {
    std::vector<std::string> seen;
    for (int pages = 0; pages < 100; ++pages) {
      const ConversationPage page = must(conversations_.listConversations(owner(), query));
      EXPECT_LE(page.conversations.size(), static_cast<std::size_t>(query.limit));
      for (const Conversation& each : page.conversations) seen.push_back(each.id);
      if (!page.next_cursor) return seen;
      EXPECT_EQ(page.conversations.size(), static_cast<std::size_t>(query.limit));
      query.cursor = page.next_cursor;
      between();
    }
    ADD_FAILURE() << "the pages do not end";
    return seen;
  }

  std::vector<std::string> converseOften(int times) {
    std::vector<std::string> ids;
    for (int i = 0; i < times; ++i) ids.push_back(converse().id);
    return ids;
  }

  // All of one moment, in the order of a list.
  std::vector<std::string> converseAtOnce(int times) {
    std::vector<std::string> ids;
    for (int i = 0; i < times; ++i) {
      ids.push_back(
          must(conversations_.createConversation({.tenant_id = tenant_, .user_id = owner_})).id);
    }
    std::sort(ids.rbegin(), ids.rend());
    return ids;
  }
};

TEST_P(ConversationListSuite, PutsTheNewestMessageFirstAndTakesCreationWhereThereIsNone) {
  const std::string a = converse().id;
  const std::string b = converse().id;
  const std::string c = converse().id;
  EXPECT_THAT(list(), ElementsAre(c, b, a));
  say(a, "hello");
  EXPECT_THAT(list(), ElementsAre(a, c, b));
  const std::string d = converse().id;
  EXPECT_THAT(list(), ElementsAre(d, a, c, b));
  EXPECT_EQ(must(conversations_.listConversations(owner())).conversations[1], latest(a));
}

TEST_P(ConversationListSuite, IsNotReorderedByOtherChanges) {
  const std::string a = converse().id;
  const std::string b = converse().id;
  tick();
  EXPECT_THAT(conversations_.updateSharing(owner(), a, {.title = "new"}), IsOk());
  EXPECT_THAT(conversations_.recordCompaction(tenant_, a), IsOk());
  EXPECT_THAT(list(), ElementsAre(b, a));
}

TEST_P(ConversationListSuite, TellsActiveFromArchivedAndTakesActiveByDefault) {
  const std::string a = converse().id;
  const std::string b = converse().id;
  tick();
  EXPECT_THAT(conversations_.setArchivedState(owner(), a, true), IsOk());
  EXPECT_THAT(list(), ElementsAre(b));
  EXPECT_THAT(list({.status = ConversationStatus::kActive}), ElementsAre(b));
  EXPECT_THAT(list({.status = ConversationStatus::kArchived}), ElementsAre(a));
  EXPECT_THAT(list({.status = ConversationStatus::kAll}), ElementsAre(b, a));
}

TEST_P(ConversationListSuite, HasNoCursorOnTheLastPageEvenWhenThatIsFull) {
  converseOften(2);
  EXPECT_EQ(must(conversations_.listConversations(owner(), {.limit = 2})).next_cursor,
            std::nullopt);
  EXPECT_NE(must(conversations_.listConversations(owner(), {.limit = 1})).next_cursor,
            std::nullopt);
  EXPECT_EQ(must(conversations_.listConversations(colleague())).next_cursor, std::nullopt);
}

TEST_P(ConversationListSuite, WalksThroughEveryPageInOrder) {
  std::vector<std::string> all = converseOften(7);
  std::reverse(all.begin(), all.end());
  for (const int size : kPageSizes) EXPECT_EQ(walk({.limit = size}), all) << size;
}

TEST_P(ConversationListSuite, TellsApartWhatIsAMicrosecondApart) {
  std::vector<std::string> all;
  for (int i = 0; i < 5; ++i) {
    stores_.clock->advance(absl::Microseconds(1));
    all.push_back(
        must(conversations_.createConversation({.tenant_id = tenant_, .user_id = owner_})).id);
  }
  std::reverse(all.begin(), all.end());
  for (const int size : kPageSizes) EXPECT_EQ(walk({.limit = size}), all) << size;
}

TEST_P(ConversationListSuite, NeitherLosesNorRepeatsARowOfOneMoment) {
  const std::vector<std::string> all = converseAtOnce(9);
  for (const int size : kPageSizes) EXPECT_EQ(walk({.limit = size}), all) << size;
}

// Rows move to the front between the pages: one that was seen, and one that was not yet.
TEST_P(ConversationListSuite, SeesEachRowThatDoesNotMoveExactlyOnceWhileOthersMove) {
  for (const int size : kPageSizes) {
    const std::vector<std::string> all = converseAtOnce(16);
    const std::vector<std::string> movers{all[0], all[3], all[8], all[12], all[15]};
    std::size_t next = 0;
    const auto seen = walk({.limit = size}, [&] {
      if (next < movers.size()) say(movers[next++], "to the front");
    });
    std::map<std::string, int> times;
    for (const std::string& id : seen) ++times[id];
    for (const std::string& id : all) {
      const bool moved = std::count(movers.begin(), movers.end(), id) > 0;
      EXPECT_LE(times[id], 1) << size;
      EXPECT_TRUE(times[id] == 1 || moved) << size;
    }
    for (const std::string& id : all) must(conversations_.setArchivedState(owner(), id, true));
  }
}

TEST_P(ConversationListSuite, IsNotLedAstrayByRowsThatComeAndGoBetweenPages) {
  const std::vector<std::string> all = converseAtOnce(6);
  int rounds = 0;
  const auto seen = walk({.limit = 2}, [&] {
    converse();
    // The first two were seen already.
    if (rounds < 2) must(conversations_.setArchivedState(owner(), all[rounds], true));
    ++rounds;
  });
  EXPECT_EQ(seen, all);
}

TEST_P(ConversationListSuite, WalksThroughTheArchiveToo) {
  const std::vector<std::string> all = converseAtOnce(5);
  for (const std::string& id : all) must(conversations_.setArchivedState(owner(), id, true));
  EXPECT_EQ(walk({.status = ConversationStatus::kArchived, .limit = 2}), all);
  EXPECT_EQ(walk({.status = ConversationStatus::kAll, .limit = 2}), all);
  EXPECT_THAT(walk({.limit = 2}), IsEmpty());
}

TEST_P(ConversationListSuite, RefusesACursorThatNoPageGave) {
  converseOften(2);
  const std::string real =
      *must(conversations_.listConversations(owner(), {.limit = 1})).next_cursor;
  for (const std::string& cursor :
       {std::string(), std::string("x"), std::string("!!!!"), std::string("bm9uZQ"),
        real.substr(0, real.size() / 2), real + "AAAA", newId(), std::string(10'000, 'A'),
        std::string("a\0b", 3), std::string("'; DROP TABLE conversations; --")}) {
    EXPECT_THAT(conversations_.listConversations(owner(), {.cursor = cursor}), invalid()) << cursor;
  }
}

// By the rules of authorization.h, and in SQL: a page is full though others' rows lie between.
TEST_P(ConversationListSuite, ListsWhatTheCallerMayRead) {
  const std::string fallback = R"({"fallback_audience":"tenant"})";
  const std::string own = converse().id;
  const std::string tenant = converse({.share_audience = ShareAudience::kTenant}).id;
  const std::string open = converse({.share_audience = ShareAudience::kPublic}).id;
  const std::string related = converse({.authorization_model = AuthorizationModel::kOpenfga,
                                        .authorization_spec = json(fallback)})
                                  .id;
  const std::string unrelated = converse({.share_audience = ShareAudience::kTenant,
                                          .authorization_model = AuthorizationModel::kOpenfga})
                                    .id;
  const std::string nobodys = converseWithoutOwner().id;
  EXPECT_THAT(list(owner()), ElementsAre(nobodys, unrelated, related, open, tenant, own));
  EXPECT_THAT(list(colleague()), ElementsAre(nobodys, related, open, tenant));
  EXPECT_THAT(list(colleague(), {.limit = 3}), ElementsAre(nobodys, related, open));
  EXPECT_THAT(list(application()), ElementsAre(nobodys, related, open, tenant));
  EXPECT_THAT(list(stranger()), IsEmpty());
}

TEST_P(ConversationListSuite, TakesLimitsFromOneToAThousand) {
  converse();
  for (const std::int64_t limit : {-1, 0, 1001}) {
    EXPECT_THAT(conversations_.listConversations(owner(), {.limit = limit}), invalid());
    EXPECT_THAT(conversations_.getConversationsNeedingCompaction(tenant_, limit), invalid());
  }
  for (const std::int64_t limit : {1, 1000}) {
    EXPECT_EQ(list({.limit = limit}).size(), 1U);
    EXPECT_THAT(conversations_.getConversationsNeedingCompaction(tenant_, limit), IsOk());
  }
}

}  // namespace strata
