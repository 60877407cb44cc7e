// What the stores of users and dreams do, on whatever they stand.
#pragma once

#include "tests/stores/clarify/clarify_fixture.h"

namespace strata {

class ClarifyRecordsSuite : public ClarifyStoresTest {};

// ---- Users ----

TEST_P(ClarifyRecordsSuite, MakesAUserAndChangesNameAndTierButNotTheCounters) {
  const std::string id = "new " + newId();
  const auto made = stores_.users->put({.id = id, .name = "größer 🎉", .total_reflections = 7});
  UserProfile expected{.id = id, .name = "größer 🎉", .created_at = now(), .updated_at = now()};
  EXPECT_THAT(made, IsOkAndHolds(expected));
  must(stores_.reflections->create({.user_id = id}));
  must(stores_.sessions->create({.user_id = id}));
  tick();
  expected.name = "'; DROP TABLE users; --";
  expected.tier = UserTier::kUnlimited;
  expected.total_reflections = expected.total_clarify_sessions = 1;
  expected.updated_at = now();
  EXPECT_THAT(stores_.users->put({.id = id, .name = expected.name, .tier = expected.tier}),
              IsOkAndHolds(expected));
  EXPECT_THAT(stores_.users->get(id), IsOkAndHolds(expected));
}

// A user without a name was one whose name is empty.
TEST_P(ClarifyRecordsSuite, KeepsApartNoNameAndAnEmptyOne) {
  for (const std::optional<std::string>& name :
       {std::optional<std::string>(), std::optional<std::string>(""),
        std::optional<std::string>("Ada"), std::optional<std::string>()}) {
    EXPECT_EQ(must(stores_.users->put({.id = user_, .name = name})).name, name);
    EXPECT_EQ(user().name, name);
    for (int i = 0; i < 2; ++i) {
      const auto cached = must(stores_.sources.user->get(user_));
      ASSERT_NE(cached, nullptr);
      EXPECT_EQ(cached->name, name);
    }
    // Writes the whole user back.
    reflection();
    EXPECT_EQ(user().name, name);
  }
}

TEST_P(ClarifyRecordsSuite, NamesUsersByAnyTextOf1To200Bytes) {
  for (const std::string& id : {std::string(1, 'x') + newId(), newId() + std::string(164, 'y')}) {
    must(stores_.users->put({.id = id}));
    EXPECT_EQ(must(stores_.users->get(id)).id, id);
  }
  const std::vector<std::string> wrong = {"", std::string(201, 'x'), std::string("a\0b", 3),
                                          "\xff"};
  for (const std::string& id : wrong) {
    EXPECT_THAT(stores_.users->put({.id = id}), refused("id"));
    EXPECT_THAT(stores_.users->get(id), refused("user_id"));
    EXPECT_THAT(stores_.users->remove(id), refused("user_id"));
    EXPECT_THAT(stores_.dreams->create({.user_id = id, .title = "t"}), refused("user_id"));
    EXPECT_THAT(stores_.dreams->list(id), refused("user_id"));
    EXPECT_THAT(stores_.patterns->consolidate(id, {}), refused("user_id"));
    EXPECT_THAT(stores_.sessions->create({.user_id = id}), refused("user_id"));
    EXPECT_THAT(stores_.sessions->noteMessage(id, newId()), refused("user_id"));
    EXPECT_THAT(stores_.reflections->create({.user_id = id}), refused("user_id"));
    EXPECT_FALSE(stores_.sources.user->get(id).ok());
    EXPECT_FALSE(stores_.sources.dreams->get(id).ok());
    EXPECT_THAT(stores_.invalidateUserContext(id), refused("user_id"));
  }
}

TEST_P(ClarifyRecordsSuite, RemovesAUserWithEverythingOfTheirs) {
  const Dream dreamt = dream("Write a book");
  const ClarifySession spoken = session("About the book");
  reflection();
  must(stores_.patterns->consolidate(user_, {pattern("honesty", 8)}));
  const Dream others = must(stores_.dreams->create({.user_id = other_user_, .title = "Sail"}));
  EXPECT_THAT(stores_.users->remove(user_), IsOk());
  EXPECT_THAT(stores_.users->get(user_), notFound());
  EXPECT_THAT(stores_.users->remove(user_), notFound());
  EXPECT_THAT(stores_.dreams->get(user_, dreamt.id), notFound());
  EXPECT_THAT(stores_.dreams->list(user_), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(stores_.patterns->list(user_), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(stores_.sessions->get(user_, spoken.id), notFound());
  EXPECT_THAT(stores_.reflections->list(user_), IsOkAndHolds(IsEmpty()));
  EXPECT_THAT(stores_.dreams->get(other_user_, others.id), IsOkAndHolds(others));
  must(stores_.users->put({.id = user_}));
  EXPECT_THAT(stores_.dreams->list(user_), IsOkAndHolds(IsEmpty()));
}

TEST_P(ClarifyRecordsSuite, NeverLetsATimeRunBackwards) {
  const Dream dreamt = dream("Write a book");
  const ClarifySession spoken = session("About the book");
  const Timestamp before = user().updated_at;
  clock_.jumpWallClock(-absl::Hours(1));
  EXPECT_EQ(must(stores_.users->put({.id = user_, .name = "new"})).updated_at, before);
  EXPECT_EQ(must(stores_.dreams->update(user_, dreamt.id, {.title = "new"})).updated_at,
            dreamt.updated_at);
  EXPECT_EQ(must(stores_.sessions->noteMessage(user_, spoken.id)).last_message_at,
            spoken.last_message_at);
  must(stores_.reflections->create({.user_id = user_}));
  EXPECT_EQ(user().updated_at, before);
}

// ---- Dreams ----

TEST_P(ClarifyRecordsSuite, RoundTripsEveryFieldOfADream) {
  Dream given{.id = newId(),
              .user_id = user_,
              .title = "größer 🎉",
              .description = "a:b %* \"quoted\" \\ back",
              .status = DreamStatus::kReleased,
              .category = ""};
  const auto made = stores_.dreams->create(given);
  given.created_at = given.updated_at = now();
  EXPECT_THAT(made, IsOkAndHolds(given));
  EXPECT_THAT(stores_.dreams->get(user_, given.id), IsOkAndHolds(given));
  EXPECT_THAT(stores_.dreams->list(user_), IsOkAndHolds(ElementsAre(given)));
}

TEST_P(ClarifyRecordsSuite, MakesAnIdWhereNoneIsGivenAndTakesEitherCase) {
  EXPECT_THAT(internal::canonicalUuid(dream("Sail").id, "id"), IsOk());
  std::string id = newId();
  std::string upper = id;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  EXPECT_EQ(must(stores_.dreams->create({.id = upper, .user_id = user_, .title = "t"})).id, id);
  EXPECT_EQ(must(stores_.dreams->get(user_, upper)).id, id);
}

TEST_P(ClarifyRecordsSuite, ChangesWhatIsGivenOfADreamAndNothingElse) {
  Dream expected = must(stores_.dreams->create(
      {.user_id = user_, .title = "Sail", .description = "far", .category = "sea"}));
  tick();
  EXPECT_THAT(stores_.dreams->update(user_, expected.id, {}), IsOkAndHolds(expected))
      << "nothing changed";
  EXPECT_THAT(stores_.dreams->update(user_, expected.id, {.title = "Sail"}),
              IsOkAndHolds(expected));
  expected.title = "Row";
  expected.updated_at = now();
  EXPECT_THAT(stores_.dreams->update(user_, expected.id, {.title = "Row"}), IsOkAndHolds(expected));
  expected.description = "farther";
  expected.category = std::nullopt;
  EXPECT_THAT(
      stores_.dreams->update(user_, expected.id,
                             {.description = "farther", .category = std::optional<std::string>()}),
      IsOkAndHolds(expected));
  tick();
  expected.status = DreamStatus::kAchieved;
  expected.updated_at = now();
  EXPECT_THAT(stores_.dreams->setStatus(user_, expected.id, DreamStatus::kAchieved),
              IsOkAndHolds(expected));
  EXPECT_THAT(stores_.dreams->get(user_, expected.id), IsOkAndHolds(expected));
}

TEST_P(ClarifyRecordsSuite, ListsDreamsChangedLastFirst) {
  const Dream first = dream("first");
  const Dream second = dream("second");
  const Dream third = dream("third");
  tick();
  must(stores_.dreams->setStatus(user_, first.id, DreamStatus::kArchived));
  const auto list = [&](const DreamQuery& query) {
    return must(stores_.dreams->list(user_, query));
  };
  EXPECT_THAT(idsOf(list({})), ElementsAre(first.id, third.id, second.id));
  EXPECT_THAT(idsOf(list({.limit = 2})), ElementsAre(first.id, third.id));
  EXPECT_THAT(idsOf(list({.status = DreamStatus::kActive})), ElementsAre(third.id, second.id));
  EXPECT_THAT(list({.status = DreamStatus::kReleased}), IsEmpty());
  EXPECT_THAT(stores_.dreams->list(user_, {.limit = 0}), refused("limit"));
  EXPECT_THAT(stores_.dreams->list(user_, {.limit = 1001}), refused("limit"));
  EXPECT_THAT(stores_.dreams->list("nobody"), IsOkAndHolds(IsEmpty()));
}

TEST_P(ClarifyRecordsSuite, RefusesADreamThatCannotBe) {
  const auto of = [](int points) {
    std::string text;
    for (int i = 0; i < points; ++i) text += "ü";
    return text;
  };
  const auto create = [&](Dream dream) {
    dream.user_id = user_;
    return stores_.dreams->create(dream);
  };
  const Dream made = must(create({.title = of(200), .description = of(2000)}));
  EXPECT_THAT(create({.title = of(201)}), refused("title"));
  EXPECT_THAT(create({.title = "t", .description = of(2001)}), refused("description"));
  EXPECT_THAT(create({.title = "\xff"}), refused("title"));
  EXPECT_THAT(create({.title = "t", .category = std::string("a\0b", 3)}), refused("category"));
  EXPECT_THAT(create({.title = "t", .status = static_cast<DreamStatus>(9)}), refused("status"));
  EXPECT_THAT(create({.id = "x", .title = "t"}), refused("id"));
  EXPECT_THAT(stores_.dreams->update(user_, made.id, {.title = of(201)}), refused("title"));
  EXPECT_THAT(stores_.dreams->update(user_, made.id, {.description = of(2001)}),
              refused("description"));
  EXPECT_THAT(stores_.dreams->setStatus(user_, made.id, static_cast<DreamStatus>(9)),
              refused("status"));
  EXPECT_THAT(stores_.dreams->get(user_, "x"), refused("dream_id"));
  EXPECT_THAT(stores_.dreams->remove(user_, "x"), refused("dream_id"));
  EXPECT_THAT(stores_.dreams->list(user_), IsOkAndHolds(ElementsAre(made)));
}

TEST_P(ClarifyRecordsSuite, FindsAndChangesNothingOfAnotherUser) {
  const Dream made = dream("Sail");
  for (const std::string& user : {other_user_, std::string("nobody")}) {
    EXPECT_THAT(stores_.dreams->get(user, made.id), notFound());
    EXPECT_THAT(stores_.dreams->update(user, made.id, {.title = "Row"}), notFound());
    EXPECT_THAT(stores_.dreams->setStatus(user, made.id, DreamStatus::kReleased), notFound());
    EXPECT_THAT(stores_.dreams->remove(user, made.id), notFound());
  }
  EXPECT_THAT(stores_.dreams->get(user_, made.id), IsOkAndHolds(made));
  EXPECT_THAT(stores_.dreams->remove(user_, made.id), IsOk());
  EXPECT_THAT(stores_.dreams->remove(user_, made.id), notFound());
}

TEST_P(ClarifyRecordsSuite, AddsNothingToAUserThatIsNotThere) {
  EXPECT_THAT(stores_.dreams->create({.user_id = "nobody", .title = "t"}), notFound());
  EXPECT_THAT(stores_.sessions->create({.user_id = "nobody"}), notFound());
  EXPECT_THAT(stores_.reflections->create({.user_id = "nobody"}), notFound());
  EXPECT_THAT(stores_.patterns->consolidate("nobody", {pattern("p", 3)}), notFound());
  EXPECT_THAT(stores_.patterns->list("nobody"), IsOkAndHolds(IsEmpty()));
}

TEST_P(ClarifyRecordsSuite, TakesAnIdOncePerUser) {
  const std::string id = newId();
  must(stores_.dreams->create({.id = id, .user_id = user_, .title = "mine"}));
  EXPECT_THAT(stores_.dreams->create({.id = id, .user_id = user_, .title = "again"}), taken());
  must(stores_.dreams->create({.id = id, .user_id = other_user_, .title = "theirs"}));
  EXPECT_EQ(must(stores_.dreams->get(user_, id)).title, "mine");
  must(stores_.sessions->create({.id = id, .user_id = user_}));
  EXPECT_THAT(stores_.sessions->create({.id = id, .user_id = user_}), taken());
  must(stores_.reflections->create({.id = id, .user_id = user_}));
  EXPECT_THAT(stores_.reflections->create({.id = id, .user_id = user_}), taken());
  EXPECT_EQ(user().total_clarify_sessions, 1);
  EXPECT_EQ(user().total_reflections, 1);
}

TEST_P(ClarifyRecordsSuite, AreHealthy) {
  EXPECT_EQ(stores_.users->healthCheck().state, HealthState::kPass);
  EXPECT_EQ(stores_.dreams->healthCheck().state, HealthState::kPass);
  EXPECT_EQ(stores_.patterns->healthCheck().state, HealthState::kPass);
  EXPECT_EQ(stores_.sessions->healthCheck().state, HealthState::kPass);
  EXPECT_EQ(stores_.reflections->healthCheck().state, HealthState::kPass);
  EXPECT_EQ(stores_.sources.user->healthCheck().state, HealthState::kPass);
}

}  // namespace strata
