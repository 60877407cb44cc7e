// How PostgreSQL runs the statements of the context platform's stores among 100 000 rows of each
// kind of 1 000 users: the plans that it took, told by its auto_explain.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "stores/clarify/postgres_clarify_tables.h"
#include "strata/factories/clarify_store_factory.h"
#include "strata/testing/status_matchers.h"
#include "tests/stores/explained_server.h"
#include "tests/stores/plan_checks.h"

namespace strata {
namespace {

using internal::ClarifyTables;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using ::testing::SizeIs;

// Of each user 100 of each kind, half of the dreams and sessions active, a fifth of the patterns
// too weak to be shown. A row of all users comes before the next one of any.
constexpr const char* kRows = R"(
CREATE FUNCTION pg_temp.u(i bigint) RETURNS uuid IMMUTABLE LANGUAGE SQL AS
  $$ SELECT ('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid $$;
INSERT INTO users (id) SELECT 'user-' || i FROM generate_series(0, 999) i;
CREATE TEMP TABLE n AS SELECT 'user-' || i % 1000 AS user_id, pg_temp.u(i) AS id, i / 1000 AS nth,
  now() - i * interval '1 minute' AS at FROM generate_series(0, 99999) i;
INSERT INTO dreams (user_id, id, title, status, created_at, updated_at)
  SELECT user_id, id, 'A dream of an ordinary length',
         CASE WHEN nth % 2 = 0 THEN 'active' ELSE 'archived' END, at, at FROM n;
INSERT INTO clarify_patterns (user_id, id, pattern_type, content, strength, created_at)
  SELECT user_id, id, 'value', 'A pattern of an ordinary length', 1 + nth % 10, at FROM n;
INSERT INTO clarify_sessions (user_id, id, title, status, last_message_at, created_at)
  SELECT user_id, id, 'A session', CASE WHEN nth % 2 = 0 THEN 'active' ELSE 'archived' END, at, at
  FROM n;
INSERT INTO reflections (user_id, id, created_at) SELECT user_id, id, at FROM n;
)";

class ManyUsers : public PlansOf<internal::PostgresClarifyTables> {
 protected:
  static void SetUpTestSuite() {
    ASSERT_THAT(start(), IsOk());
    ASSERT_THAT(createClarifyStores(config()), IsOk());
    ask(kRows);
    ask("ANALYZE users, dreams, clarify_patterns, clarify_sessions, reflections");
  }

  template <typename Call>
  std::string plansOf(const char* what, const Call& call) {
    std::string plans = PlansOf::plansWithoutScan(what, call);
    EXPECT_THAT(plans, HasSubstr("Index ")) << what << "\n" << plans;
    EXPECT_THAT(plans, Not(HasSubstr("Rows Removed"))) << what << "\n" << plans;
    return plans;
  }
  // The most rows that an index answered.
  static int mostRows(const std::string& plans) {
    return most(plans, "Scan[^\n]*actual rows=(\\d+)");
  }

  template <typename T>
  void expectShown(const char* what, int limit) {
    const auto shows = [limit](const std::vector<std::string>& users) {
      return [users, limit](ClarifyTables& tables) {
        const auto shown = internal::ClarifyKind<T>::rows(tables).shown(users);
        if (shown.ok()) {
          EXPECT_THAT(*shown, SizeIs(users.size() * static_cast<size_t>(limit)));
        }
        return shown.status();
      };
    };
    const std::string one = plansOf(what, shows({"user-7"}));
    EXPECT_THAT(one, Not(HasSubstr("Sort"))) << what << "\n" << one;
    EXPECT_LE(mostRows(one), limit) << what << "\n" << one;
    // Of three users three times as many, the answer of a scan being the mean of its loops.
    const std::string three = plansOf(what, shows({"user-7", "user-8", "user-9"}));
    EXPECT_LE(mostRows(three), std::max(limit, 3 * limit)) << what << "\n" << three;
    EXPECT_THAT(three, HasSubstr("loops=3")) << what << "\n" << three;
  }
};

TEST_P(ManyUsers, AreShownByAnIndexThatReadsNoMoreThanTheLimit) {
  expectShown<Dream>("dreams", ActiveDreams::kLimit);
  expectShown<ClarifyPattern>("patterns", ObservedPatterns::kLimit);
  expectShown<ClarifySession>("sessions", RecentSessions::kLimit);
  expectShown<Reflection>("reflections", RecentReflections::kLimit);
  const std::vector<std::string> users = {"user-7", "user-8"};
  for (const std::size_t count : {1, 2}) {
    const std::string plans = plansOf("users", [&](ClarifyTables& tables) {
      return tables.users(absl::MakeConstSpan(users).first(count));
    });
    EXPECT_LE(mostRows(plans), static_cast<int>(count)) << plans;
  }
}

TEST_P(ManyUsers, HaveListsInTheOrderOfAnIndex) {
  const auto expect_page = [&](const char* what, const auto& list) {
    const std::string plans = plansOf(what, list);
    EXPECT_THAT(plans, Not(HasSubstr("Sort"))) << what << "\n" << plans;
    EXPECT_LE(mostRows(plans), 20) << what << "\n" << plans;
  };
  expect_page("dreams", [](ClarifyTables& tables) {
    return tables.dreams().list("user-7", std::nullopt, 20);
  });
  expect_page("dreams of a status", [](ClarifyTables& tables) {
    return tables.dreams().list("user-7", DreamStatus::kArchived, 20);
  });
  expect_page("patterns", [](ClarifyTables& tables) {
    return tables.patterns().list("user-7", std::nullopt, 20);
  });
  expect_page("sessions", [](ClarifyTables& tables) {
    return tables.sessions().list("user-7", std::nullopt, 20);
  });
  expect_page("sessions of a status", [](ClarifyTables& tables) {
    return tables.sessions().list("user-7", SessionStatus::kArchived, 20);
  });
  expect_page("reflections", [](ClarifyTables& tables) {
    return tables.reflections().list("user-7", std::nullopt, 20);
  });
}

// With what the database does by itself for foreign keys, which auto_explain tells too.
TEST_P(ManyUsers, AreChangedByAnIndex) {
  const std::string id = "00000000-0000-4000-8000-000000000007";
  plansOf("lock a user", [](ClarifyTables& tables) { return tables.lockUser("user-7"); });
  plansOf("find", [&](ClarifyTables& tables) { return tables.dreams().find("user-7", id); });
  plansOf("lock", [&](ClarifyTables& tables) { return tables.dreams().lock("user-7", id); });
  plansOf("note a message", [&](ClarifyTables& tables) {
    return tables.sessions().noteMessage("user-7", id, Clock::system().wallTime());
  });
  plansOf("remove",
          [&](ClarifyTables& tables) { return tables.reflections().remove("user-7", id); });
  // Another one each time, since it is gone then.
  const std::string user = std::string("user-") + (isGeneric() ? "11" : "12");
  plansOf("remove a user", [&](ClarifyTables& tables) { return tables.removeUser(user); });
}

// Plans that were made while the tables were empty: the sessions of a new deployment keep them
// until the statistics of its tables are renewed, which autovacuum does once a minute at best.
class KeptPlans : public PlansOf<internal::PostgresClarifyTables> {
 protected:
  static void SetUpTestSuite() {
    ASSERT_THAT(start({{"autovacuum", "off"}}), IsOk());
    ASSERT_THAT(createClarifyStores(config()), IsOk());
  }
  template <typename T>
  static absl::Status show(ClarifyTables& tables) {
    return internal::ClarifyKind<T>::rows(tables).shown({"user-7"}).status();
  }
};

TEST_P(KeptPlans, ReadWhatAUserHasOnceAtMost) {
  // Counted by each step that a row passes through, of which there are four at most.
  constexpr double kMostMet = 4 * 100;
  const std::string id = "00000000-0000-4000-8000-000000000007";
  const std::pair<const char*, std::function<absl::Status(ClarifyTables&)>> calls[] = {
      {"users",
       [](ClarifyTables& t) {
         return t.users({"user-7", "user-8"}).status();
       }},
      {"dreams shown", show<Dream>},
      {"patterns shown", show<ClarifyPattern>},
      {"sessions shown", show<ClarifySession>},
      {"reflections shown", show<Reflection>},
      {"dreams", [](ClarifyTables& t) { return t.dreams().list("user-7", {}, 20).status(); }},
      {"patterns", [](ClarifyTables& t) { return t.patterns().list("user-7", {}, 20).status(); }},
      {"sessions", [](ClarifyTables& t) { return t.sessions().list("user-7", {}, 20).status(); }},
      {"sessions of a status",
       [](ClarifyTables& t) {
         return t.sessions().list("user-7", SessionStatus::kArchived, 20).status();
       }},
      {"reflections",
       [](ClarifyTables& t) { return t.reflections().list("user-7", {}, 20).status(); }},
      {"lock a user", [](ClarifyTables& t) { return t.lockUser("user-7").status(); }},
      {"find", [&](ClarifyTables& t) { return t.dreams().find("user-7", id).status(); }},
      {"lock", [&](ClarifyTables& t) { return t.dreams().lock("user-7", id).status(); }},
      {"remove", [&](ClarifyTables& t) { return t.reflections().remove("user-7", id).status(); }},
  };
  // A new schema voids all plans, also one for temporary tables, which filling begins with.
  ask("CREATE TEMP TABLE first (number int)");
  std::map<std::string, std::string> costs;
  for (const auto& [what, call] : calls) costs[what] = costOf(plansOf(what, call));
  // Not the plans of filling, whose end may reach the log late.
  ask(std::string("SET auto_explain.log_min_duration = -1;") + kRows);
  for (const auto& [what, call] : calls) {
    const std::string plans = plansOf(what, call);
    EXPECT_EQ(costOf(plans), costs[what]) << what << ": not the plan that was made before";
    EXPECT_LE(rowsMet(plans), kMostMet) << what << "\n" << plans;
  }
}

INSTANTIATE_TEST_SUITE_P(Kept, KeptPlans, ::testing::Values(PlanMode{}));

INSTANTIATE_TEST_SUITE_P(Planned, ManyUsers, ::testing::ValuesIn(kPlanModes),
                         [](const auto& mode) { return mode.param.name(); });

}  // namespace
}  // namespace strata
