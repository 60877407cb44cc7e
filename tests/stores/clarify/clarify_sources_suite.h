// What a context is shown of users: the five cached lists.
#pragma once

#include <algorithm>
#include <functional>

#include "tests/stores/clarify/clarify_fixture.h"

namespace strata {

class ClarifySourcesSuite : public ClarifyStoresTest {
 protected:
  // What is stored, past the cache.
  static constexpr ReadOptions kLatest{.consistency = Consistency::kLatest};

  template <typename T>
  T shown(const std::shared_ptr<Store<T>>& source, const ReadOptions& options = {}) {
    const auto found = must(source->get(user_, options));
    EXPECT_NE(found, nullptr);
    return found == nullptr ? T() : *found;
  }
};

TEST_P(ClarifySourcesSuite, AreEmptyListsWhetherOrNotThereIsAUser) {
  for (const std::string& id : {user_, "nobody " + newId()}) {
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(*must(stores_.sources.dreams->get(id)), ActiveDreams{.user_id = id});
      EXPECT_EQ(*must(stores_.sources.patterns->get(id)), ObservedPatterns{.user_id = id});
      EXPECT_EQ(*must(stores_.sources.sessions->get(id)), RecentSessions{.user_id = id});
      EXPECT_EQ(*must(stores_.sources.reflections->get(id)), RecentReflections{.user_id = id});
      EXPECT_EQ(must(stores_.sources.user->get(id)) == nullptr, id != user_);
    }
  }
}

TEST_P(ClarifySourcesSuite, ShowTheUser) {
  reflection();
  EXPECT_EQ(shown(stores_.sources.user), user());
}

TEST_P(ClarifySourcesSuite, ShowTheActiveDreamsChangedLastFirst) {
  std::vector<std::string> ids;
  for (int i = 0; i < 7; ++i) ids.push_back(dream(std::to_string(i)).id);
  must(stores_.dreams->setStatus(user_, ids[6], DreamStatus::kAchieved));
  tick();
  must(stores_.dreams->update(user_, ids[0], {.title = "changed"}));
  EXPECT_THAT(idsOf(shown(stores_.sources.dreams).dreams),
              ElementsAre(ids[0], ids[5], ids[4], ids[3], ids[2]));
}

TEST_P(ClarifySourcesSuite, ShowTheStrongestPatterns) {
  std::vector<ClarifyPattern> patterns;
  for (int i = 0; i < 24; ++i) patterns.push_back(pattern(std::to_string(i), 1 + i % 10));
  const auto all = must(stores_.patterns->consolidate(user_, patterns));
  const auto seen = shown(stores_.sources.patterns).patterns;
  EXPECT_EQ(seen, std::vector<ClarifyPattern>(all.begin(), all.begin() + 10));
  must(stores_.patterns->consolidate(user_, {pattern("weak", 2), pattern("enough", 3)}));
  ASSERT_THAT(shown(stores_.sources.patterns).patterns, SizeIs(1));
  EXPECT_EQ(shown(stores_.sources.patterns).patterns.front().content, "enough");
}

TEST_P(ClarifySourcesSuite, ShowTheActiveSessionsSpokenInLastFirst) {
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) ids.push_back(session(std::to_string(i)).id);
  must(stores_.sessions->archive(user_, ids[5]));
  tick();
  must(stores_.sessions->noteMessage(user_, ids[0]));
  EXPECT_THAT(idsOf(shown(stores_.sources.sessions).sessions),
              ElementsAre(ids[0], ids[4], ids[3], ids[2]));
}

TEST_P(ClarifySourcesSuite, ShowTheLatestReflections) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(reflection().id);
  EXPECT_THAT(idsOf(shown(stores_.sources.reflections).reflections),
              ElementsAre(ids[4], ids[3], ids[2]));
}

// So that the order is the same everywhere, and always.
TEST_P(ClarifySourcesSuite, BreakTiesById) {
  std::vector<std::string> ids;
  for (int i = 0; i < 8; ++i) {
    ids.push_back(newId());
    must(stores_.dreams->create({.id = ids.back(), .user_id = user_, .title = "t"}));
    must(stores_.sessions->create({.id = ids.back(), .user_id = user_}));
    must(stores_.reflections->create({.id = ids.back(), .user_id = user_}));
  }
  std::ranges::sort(ids, std::greater());
  const auto first = [&](int count) {
    return std::vector<std::string>(ids.begin(), ids.begin() + count);
  };
  EXPECT_EQ(idsOf(shown(stores_.sources.dreams).dreams), first(ActiveDreams::kLimit));
  EXPECT_EQ(idsOf(shown(stores_.sources.sessions).sessions), first(RecentSessions::kLimit));
  EXPECT_EQ(idsOf(shown(stores_.sources.reflections).reflections),
            first(RecentReflections::kLimit));
}

// B-4
TEST_P(ClarifySourcesSuite, AnswerManyUsersAtOnceEachWithTheirOwn) {
  for (int i = 0; i < 7; ++i) {
    dream(std::to_string(i));
    must(stores_.dreams->create({.user_id = other_user_, .title = "t"}));
    session("s");
    reflection();
  }
  must(stores_.patterns->consolidate(user_, {pattern("a", 3), pattern("b", 9)}));
  const std::vector<Id> ids = {other_user_, user_, "nobody", user_, Id{user_, "two"}, ""};
  const auto expect = [&](const auto& source) {
    const auto many = source->getMany(ids);
    ASSERT_THAT(many, SizeIs(ids.size()));
    for (std::size_t i = 0; i < 4; ++i) {
      const auto one = must(source->get(ids[i], kLatest));
      const auto& found = must(many[i]);
      ASSERT_EQ(found == nullptr, one == nullptr);
      if (one != nullptr) {
        EXPECT_EQ(*found, *one);
      }
    }
    EXPECT_THAT(many[4], StatusIs(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(many[5], StatusIs(absl::StatusCode::kInvalidArgument));
  };
  expect(stores_.sources.user);
  expect(stores_.sources.dreams);
  expect(stores_.sources.patterns);
  expect(stores_.sources.sessions);
  expect(stores_.sources.reflections);
}

TEST_P(ClarifySourcesSuite, AreOnlyRead) {
  const auto unimplemented = StatusIs(absl::StatusCode::kUnimplemented);
  EXPECT_THAT(stores_.sources.user->put({.id = user_}), unimplemented);
  EXPECT_THAT(stores_.sources.user->remove(user_), unimplemented);
  EXPECT_THAT(stores_.sources.dreams->put({.user_id = user_}), unimplemented);
  EXPECT_THAT(stores_.sources.sessions->remove(user_), unimplemented);
  EXPECT_EQ(user().name, "Ada");
}

}  // namespace strata
