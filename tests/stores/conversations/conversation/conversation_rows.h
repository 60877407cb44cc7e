// What the suites of the stores that hang on conversations start from: a stack on a clock of the
// test's own, and conversations with paths in it.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "src/memory/in_memory_tables.h"
#include "stores/base/uuid.h"
#include "stores/conversations/conversation/in_memory_conversations.h"
#include "strata/factories/backends.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {

// Where stores live. Two backends of one stack share the rows, as two processes do.
struct RowsStack {
  std::string name;
  std::function<Backends(const Clock& clock)> connect;
};

inline std::string nameOfStack(const ::testing::TestParamInfo<RowsStack>& stack) {
  return stack.param.name;
}

inline void PrintTo(const RowsStack& stack, std::ostream* out) { *out << stack.name; }

inline RowsStack inMemoryStack() {
  const auto memory = std::make_shared<InMemoryDatabase>();
  return {"InMemory", [memory](const Clock& clock) {
            return connect(Config(), {.clock = &clock, .memory = memory}).value();
          }};
}

inline RowsStack postgresStack() {
  return {"Postgres", [](const Clock& clock) {
            Config config;
            config.database_url = testing::sharedServers().postgres().url();
            return connect(config, {.clock = &clock}).value();
          }};
}

inline std::string anyUuid() { return internal::newUuid(Clock::system().wallTime()); }

// Puts a conversation and its paths there, past every store. A store of `backends` was made before:
// it brought the schema.
inline void insertConversation(const Backends& backends, const std::string& tenant,
                               const std::string& conversation,
                               const std::vector<std::string>& paths = {}) {
  if (backends.database == nullptr) {
    const auto transaction = internal::InMemoryTransaction::begin(backends.memory);
    const auto changed = transaction->changeData({}, Clock::system(), [&] {
      internal::InMemoryChanges changes(transaction.get());
      auto& data = backends.memory->tables().data<internal::InMemoryConversations>();
      data.conversations.put(changes, {tenant, conversation},
                             {.record = {.id = conversation, .tenant_id = tenant}, .version = {}});
      for (const std::string& path : paths) {
        data.paths.put(changes, {tenant, path},
                       {.id = path, .conversation_id = conversation, .tenant_id = tenant});
      }
      return transaction->commit();
    });
    ASSERT_THAT(changed.status, testing::IsOk());
    return;
  }
  const auto text = [](const std::string& id) { return "'" + id + "'"; };
  std::string sql = "INSERT INTO conversations (tenant_id, id) VALUES (" + text(tenant) + ", " +
                    text(conversation) + ");";
  for (const std::string& path : paths) {
    sql += "INSERT INTO conversation_paths (tenant_id, conversation_id, id) VALUES (" +
           text(tenant) + ", " + text(conversation) + ", " + text(path) + ");";
  }
  ASSERT_THAT(testing::sharedServers().postgres().query(sql), testing::IsOk());
}

}  // namespace strata
