// Random sequences of calls of every conversation store, run in step on the stores in memory and on
// PostgreSQL: after each both have answered the same, and at the end both hold the same.
//
// The seed is printed; RC_PARAMS="seed=… max_success=…" sets it and the number of sequences, of
// which there are never fewer than those below.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <sstream>

#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"
#include "tests/stores/conversations/lockstep/lockstep_steps.h"

namespace strata {
namespace lockstep {
namespace {

using testing::sharedServers;

// How often each kind of call was answered with each code.
using Tally = std::map<std::string, std::map<std::string, int>>;

class Lockstep {
 public:
  explicit Lockstep(const Config& other)
      : memory_(*connect(inMemory(other),
                         {.clock = &clock_, .memory = std::make_shared<InMemoryDatabase>()})),
        other_(*connect(other, {.clock = &clock_})) {}

  void run(const std::vector<Step>& steps) {
    World world(++sequences_, clock_);
    memory_.startAnew();
    other_.startAnew();
    std::string said;
    for (Step step : steps) {
      if (world.conversations.empty()) step.kind = 0;
      Choices choices(step, world);
      const Operation operation = kKinds[step.kind].make(world, choices);
      const std::string code = compare(world, operation, said);
      ++tally_[kKinds[step.kind].name][code];
    }
    compareAll(world, said);
  }

  const Tally& tally() const { return tally_; }

 private:
  // Tables of the same names, which errors tell.
  static Config inMemory(const Config& other) {
    Config config;
    config.domain.schema = other.domain.schema;
    return config;
  }
  // The code of the answer.
  std::string compare(const World& world, const Operation& operation, std::string& said) {
    const std::string first = operation.call(memory_);
    const std::string second = operation.call(other_);
    said += "  " + operation.text + "\n";
    if (first != second) {
      RC_FAIL(world.labelled("after\n" + said + "in memory:\n    " + first + "\nthe other:\n    " +
                             second));
    }
    return first.substr(0, first.find_first_of(" :"));
  }

  void compareAll(World& world, std::string& said) {
    if (world.in_unit) {
      const bool commits = sequences_ % 2 == 0;
      compare(world,
              {commits ? "commit" : "rollback",
               [commits](Side& side) {
                 if (commits) return answerOf(side, side.commit());
                 side.rollback();
                 return std::string("OK");
               }},
              said);
    }
    for (const Known& row : world.conversations) compareConversation(world, row, said);
    for (const Known& row : world.paths) {
      compare(world,
              {"the messages of path " + row.id,
               [&](Side& side) {
                 return answerOf(side,
                                 side.paths->getFullPathResolution(row.tenant, side.real(row.id)));
               }},
              said);
    }
    for (const Known& row : world.executions) {
      compare(world,
              {"execution context " + row.id,
               [&](Side& side) {
                 return answerOf(side, side.executions->getContext(row.tenant, row.id));
               }},
              said);
    }
    for (const std::string& tenant : world.tenants) compareTenant(world, tenant, said);
    if (world.sets_global_config) {
      compare(world,
              {"delete the global config",
               [&](Side& side) { return answerOf(side, side.configs->deleteGlobalConfig()); }},
              said);
    }
  }

  void compareConversation(const World& world, const Known& row, std::string& said) {
    compare(world,
            {"all of conversation " + row.id,
             [&](Side& side) {
               std::string all;
               const PathQuery paths{.include_inactive = true};
               all += answerOf(side, side.paths->listPaths(row.tenant, row.id, paths));
               all += answerOf(side, side.contexts->load(row.tenant, row.id));
               all += answerOf(side, side.paths->getPinnedMessages(row.tenant, row.id));
               // Whoever the owner is, it is one of these.
               for (const std::string& user : world.users) {
                 const Caller caller{row.tenant, user};
                 const auto read = side.conversations->getConversation(caller, row.id);
                 all += answerOf(side, read);
                 if (!read.ok()) continue;
                 return all + answerOf(side, side.conversations->getMessages(caller, row.id,
                                                                             {.limit = 1000}));
               }
               return all;
             }},
            said);
  }

  void compareTenant(const World& world, const std::string& tenant, std::string& said) {
    compare(
        world,
        {"all of tenant " + tenant,
         [&](Side& side) {
           std::string all = answerOf(side, side.executions->getExpiredContexts(tenant));
           for (const std::string& user : world.users) {
             const ConversationQuery query{.status = ConversationStatus::kAll, .limit = 1000};
             all += answerOf(side, side.conversations->listConversations({tenant, user}, query));
             all += answerOf(side, side.configs->getConfig(tenant, user));
           }
           return all;
         }},
        said);
  }

  testing::FakeClock clock_;
  std::uint64_t sequences_ = 0;
  Side memory_;
  Side other_;
  Tally tally_;
};

void print(const Tally& tally) {
  for (const auto& [kind, codes] : tally) {
    std::cout << fmt::format("  {:<38}", kind);
    for (const auto& [code, count] : codes) std::cout << fmt::format(" {} {}", code, count);
    std::cout << "\n";
  }
}

// So many sequences, or as many as RC_PARAMS asks for beyond.
void expectInStep(Lockstep& both, int sequences) {
  rc::detail::TestParams parameters = rc::detail::configuration().testParams;
  parameters.maxSuccess = std::max(parameters.maxSuccess, sequences);
  std::cout << "seed " << parameters.seed << ", " << parameters.maxSuccess << " sequences\n";
  const auto result = rc::detail::checkTestable([&] { both.run(*anySequence()); },
                                                rc::detail::TestMetadata(), parameters);
  print(both.tally());
  if (result.template is<rc::detail::SuccessResult>()) return;
  std::ostringstream told;
  rc::detail::printResultMessage(result, told);
  ADD_FAILURE() << told.str();
}

TEST(ConversationStoresInStep, AnswerAlikeInMemoryAndOnPostgres) {
  Config config;
  config.database_url = sharedServers().postgres().url();
  Lockstep both(config);
  expectInStep(both, 1000);
  // What never happened was not compared.
  for (const Kind& kind : kKinds) {
    EXPECT_TRUE(both.tally().contains(kind.name) && both.tally().at(kind.name).contains("OK"))
        << kind.name << " has never succeeded";
  }
}

TEST(ConversationStoresInStep, AnswerAlikeWithACacheInFront) {
  Config config;
  config.database_url = *sharedServers().postgres().createDatabase("cached");
  config.cache_provider = CacheProvider::kMemory;
  config.domain.enable_conversation_cache = true;
  Lockstep both(config);
  expectInStep(both, 100);
}

// By a role that owns no table and is bound by the policies, with the tables in a schema where no
// search_path leads: a statement that names no tenant finds nothing, and one that names no schema
// fails.
TEST(ConversationStoresInStep, AnswerAlikeUnderRowLevelSecurityInASchema) {
  testing::LocalPostgres& server = sharedServers().postgres();
  Config config;
  config.database_url = *server.createDatabase("bound");
  config.domain.enable_row_level_security = true;
  config.domain.schema = "lockstep";
  { const Side owner(*connect(config)); }  // migrates
  ASSERT_THAT(server.query("DROP ROLE IF EXISTS lockstep; CREATE ROLE lockstep LOGIN PASSWORD 'x';"
                           "GRANT USAGE ON SCHEMA lockstep TO lockstep;"
                           "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA lockstep"
                           " TO lockstep;"
                           "GRANT USAGE ON ALL SEQUENCES IN SCHEMA lockstep TO lockstep",
                           "bound"),
              testing::IsOk());
  std::string url = config.database_url.reveal();
  config.database_url = url.replace(0, url.find('@'), "postgresql://lockstep:x");
  Lockstep both(config);
  expectInStep(both, 150);
}

}  // namespace
}  // namespace lockstep
}  // namespace strata
