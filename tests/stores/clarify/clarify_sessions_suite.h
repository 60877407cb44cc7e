// What the stores of sessions and reflections do, what they count, and what a unit of work does.
#pragma once

#include <atomic>
#include <barrier>
#include <functional>
#include <thread>

#include "tests/stores/clarify/clarify_fixture.h"

namespace strata {

class ClarifySessionsSuite : public ClarifyStoresTest {
 protected:
  static void inThreads(int threads, const std::function<void(int thread)>& call) {
    std::barrier start(threads);
    std::vector<std::thread> all;
    for (int thread = 0; thread < threads; ++thread) {
      all.emplace_back([&, thread] {
        start.arrive_and_wait();
        call(thread);
      });
    }
    for (std::thread& thread : all) thread.join();
  }
};

TEST_P(ClarifySessionsSuite, MakesAnActiveSessionOfNoMessages) {
  const ClarifySession given{.id = newId(),
                             .user_id = user_,
                             .title = "größer 🎉",
                             .status = SessionStatus::kArchived,
                             .message_count = 9};
  ClarifySession expected = given;
  expected.status = SessionStatus::kActive;
  expected.message_count = 0;
  expected.created_at = expected.last_message_at = now();
  EXPECT_THAT(stores_.sessions->create(given), IsOkAndHolds(expected));
  EXPECT_THAT(stores_.sessions->get(user_, given.id), IsOkAndHolds(expected));
  EXPECT_EQ(user().total_clarify_sessions, 1);
  EXPECT_EQ(user().total_reflections, 0);
}

TEST_P(ClarifySessionsSuite, CountsMessagesAlsoOfAnArchivedSession) {
  ClarifySession expected = session("s");
  tick();
  expected.message_count = 1;
  expected.last_message_at = now();
  EXPECT_THAT(stores_.sessions->noteMessage(user_, expected.id), IsOkAndHolds(expected));
  expected.status = SessionStatus::kArchived;
  EXPECT_THAT(stores_.sessions->archive(user_, expected.id), IsOkAndHolds(expected));
  EXPECT_THAT(stores_.sessions->archive(user_, expected.id), IsOkAndHolds(expected));
  tick();
  expected.message_count = 2;
  expected.last_message_at = now();
  EXPECT_THAT(stores_.sessions->noteMessage(user_, expected.id), IsOkAndHolds(expected));
  EXPECT_THAT(stores_.sessions->get(user_, expected.id), IsOkAndHolds(expected));
}

TEST_P(ClarifySessionsSuite, ListsSessionsSpokenInLastFirst) {
  const std::string first = session("first").id;
  const std::string second = session("second").id;
  const std::string third = session("third").id;
  tick();
  must(stores_.sessions->noteMessage(user_, first));
  must(stores_.sessions->archive(user_, second));
  const auto list = [&](const SessionQuery& query) {
    return idsOf(must(stores_.sessions->list(user_, query)));
  };
  EXPECT_THAT(list({}), ElementsAre(first, third, second));
  EXPECT_THAT(list({.limit = 1}), ElementsAre(first));
  EXPECT_THAT(list({.status = SessionStatus::kActive}), ElementsAre(first, third));
  EXPECT_THAT(list({.status = SessionStatus::kArchived}), ElementsAre(second));
  EXPECT_THAT(stores_.sessions->list(user_, {.limit = 0}), refused("limit"));
}

TEST_P(ClarifySessionsSuite, KeepsTheCountOfASessionThatIsRemoved) {
  const ClarifySession made = session("s");
  EXPECT_THAT(stores_.sessions->remove(user_, made.id), IsOk());
  EXPECT_THAT(stores_.sessions->remove(user_, made.id), notFound());
  EXPECT_THAT(stores_.sessions->get(user_, made.id), notFound());
  EXPECT_EQ(user().total_clarify_sessions, 1);
}

TEST_P(ClarifySessionsSuite, FindsAndChangesNothingOfAnotherUser) {
  const ClarifySession made = session("s");
  for (const std::string& user : {other_user_, std::string("nobody")}) {
    EXPECT_THAT(stores_.sessions->get(user, made.id), notFound());
    EXPECT_THAT(stores_.sessions->archive(user, made.id), notFound());
    EXPECT_THAT(stores_.sessions->noteMessage(user, made.id), notFound());
    EXPECT_THAT(stores_.sessions->remove(user, made.id), notFound());
  }
  EXPECT_THAT(stores_.sessions->get(user_, made.id), IsOkAndHolds(made));
  EXPECT_THAT(stores_.sessions->noteMessage(user_, "x"), refused("session_id"));
  EXPECT_THAT(stores_.sessions->create({.user_id = user_, .title = "\xff"}), refused("title"));
}

TEST_P(ClarifySessionsSuite, ListsReflectionsTheLatestFirst) {
  const Reflection first = reflection(ReflectionTone::kIntense);
  const Reflection second = reflection(ReflectionTone::kFusion);
  EXPECT_EQ(second.created_at, now());
  EXPECT_THAT(stores_.reflections->list(user_), IsOkAndHolds(ElementsAre(second, first)));
  EXPECT_THAT(stores_.reflections->list(user_, 1), IsOkAndHolds(ElementsAre(second)));
  EXPECT_THAT(stores_.reflections->list(user_, 0), refused("limit"));
  EXPECT_THAT(stores_.reflections->list(other_user_), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(
      stores_.reflections->create({.user_id = user_, .tone = static_cast<ReflectionTone>(9)}),
      refused("tone"));
  EXPECT_EQ(user().total_reflections, 2);
  EXPECT_EQ(user().updated_at, second.created_at);
}

TEST_P(ClarifySessionsSuite, CountsExactlyWhateverGoesOnAtOnce) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 10;
  const ClarifySession spoken = session("spoken in by all");
  inThreads(kThreads, [&](int thread) {
    const ClarifyStores& stores = thread % 2 == 0 ? stores_ : other_;
    for (int i = 0; i < kRounds; ++i) {
      const auto made = stores.sessions->create({.user_id = user_, .title = "s"});
      EXPECT_THAT(made, IsOk());
      EXPECT_THAT(stores.reflections->create({.user_id = user_}), IsOk());
      EXPECT_THAT(stores.sessions->noteMessage(user_, spoken.id), IsOk());
      if (made.ok()) {
        EXPECT_THAT(stores.sessions->noteMessage(user_, made->id), IsOk());
      }
      EXPECT_THAT(stores.users->put({.id = user_, .name = "n"}), IsOk());
    }
  });
  EXPECT_EQ(user().total_clarify_sessions, kThreads * kRounds + 1);
  EXPECT_EQ(user().total_reflections, kThreads * kRounds);
  EXPECT_EQ(must(stores_.sessions->get(user_, spoken.id)).message_count, kThreads * kRounds);
  EXPECT_THAT(stores_.reflections->list(user_, 1000), IsOkAndHolds(SizeIs(kThreads * kRounds)));
  const auto shown = must(other_.sources.user->get(user_));
  EXPECT_EQ(shown->total_reflections, kThreads * kRounds);
}

// Each leaves its own patterns, and never a mixture.
TEST_P(ClarifySessionsSuite, ConsolidatesOneAfterTheOther) {
  inThreads(8, [&](int thread) {
    const ClarifyStores& stores = thread % 2 == 0 ? stores_ : other_;
    const std::vector<ClarifyPattern> own(5, pattern(std::to_string(thread), 5));
    for (int i = 0; i < 5; ++i) EXPECT_THAT(stores.patterns->consolidate(user_, own), IsOk());
  });
  const auto left = must(stores_.patterns->list(user_));
  ASSERT_THAT(left, SizeIs(5));
  for (const ClarifyPattern& each : left) EXPECT_EQ(each.content, left.front().content);
}

TEST_P(ClarifySessionsSuite, MakesAnIdOnceOfManyWhoTryAtOnce) {
  const std::string id = newId();
  std::atomic<int> made = 0;
  inThreads(8, [&](int thread) {
    const ClarifyStores& stores = thread % 2 == 0 ? stores_ : other_;
    const auto session = stores.sessions->create({.id = id, .user_id = user_});
    if (session.ok()) {
      ++made;
    } else {
      EXPECT_THAT(session, taken());
    }
  });
  EXPECT_EQ(made, 1);
  EXPECT_EQ(user().total_clarify_sessions, 1);
}

TEST_P(ClarifySessionsSuite, ArePartOfAUnitOfWork) {
  for (const bool commits : {false, true}) {
    const auto unit = begin();
    const WriteOptions options{.unit = unit.get()};
    const std::string id = newId();
    must(stores_.sessions->create({.id = id, .user_id = user_}, options));
    must(stores_.sessions->noteMessage(user_, id, options));
    must(stores_.reflections->create({.user_id = user_}, options));
    must(stores_.dreams->create({.id = id, .user_id = user_, .title = "t"}, options));
    EXPECT_THAT(stores_.sessions->create({.id = id, .user_id = user_}, options), taken());
    EXPECT_THAT(stores_.dreams->remove(user_, newId(), options), notFound());
    EXPECT_THAT(stores_.users->remove("nobody", options), notFound());
    EXPECT_EQ(must(stores_.sessions->get(user_, id, {.unit = unit.get()})).message_count, 1)
        << "an error that changed nothing does not end it";
    if (!commits) {
      unit->rollback();
      EXPECT_THAT(stores_.sessions->get(user_, id), notFound());
      EXPECT_THAT(stores_.dreams->get(user_, id), notFound());
      EXPECT_EQ(user().total_clarify_sessions + user().total_reflections, 0);
      continue;
    }
    EXPECT_THAT(unit->commit(), IsOk());
    EXPECT_THAT(stores_.sessions->get(user_, id), IsOk());
    EXPECT_EQ(user().total_clarify_sessions, 1);
    EXPECT_EQ(user().total_reflections, 1);
  }
}

}  // namespace strata
