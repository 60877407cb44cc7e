// The limits of texts on both backends: the same answers, and the same numbers in the database.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "src/records/jsonb_text.h"
#include "stores/base/text_limits.h"
#include "stores/base/uuid.h"
#include "strata/factories/clarify_store_factory.h"
#include "strata/factories/context_store_factory.h"
#include "strata/factories/conversation_config_store_factory.h"
#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/execution_store_factory.h"
#include "strata/factories/path_store_factory.h"
#include "strata/factories/policy_store_factory.h"
#include "strata/records/json_codec.h"
#include "strata/records/row_codec.h"
#include "strata/stores/conversations/conversation/conversation_migrations.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::StatusIs;

constexpr const char* kDatabase = "text_limits";
constexpr const char* kTenant = "7d9f3c8e-1111-4a55-8f0e-0d9f5c2b7e10";
constexpr const char* kUser = "3f0d1c1e-2222-4a55-8f0e-0d9f5c2b7e10";

// A text of so many bytes, of two bytes each but for the last.
std::string textOf(std::size_t bytes) {
  std::string text;
  text.reserve(bytes);
  while (text.size() + 2 <= bytes) text += "ö";
  text.resize(bytes, 'x');
  return text;
}

// JSON of an object whose text in PostgreSQL has so many bytes.
Json jsonOf(std::size_t bytes) {
  // {"a": 1<300 zeros>, "b": "…"}
  const std::string head = R"({"a":1e300,"b":")";
  const std::size_t around = internal::jsonbTextSize(R"({"a":1e+300,"b":""})");
  return *Json::parse(head + textOf(bytes - around) + "\"}");
}

// A list that PostgreSQL writes with so many bytes: ["…", "…"].
std::vector<std::string> listOf(std::size_t bytes) { return {"ä", textOf(bytes - 10)}; }

// One process with all stores of the domain.
struct Stores {
  explicit Stores(const Config& config)
      : backends(connect(config).value()),
        policies(createPolicyStore(backends).value()),
        configs(createConversationConfigStore(backends).value()),
        conversations(createConversationStore(backends).value()),
        paths(createPathStore(backends).value()),
        contexts(createContextStore(backends).value()),
        executions(createExecutionStore(backends).value()),
        clarify(createClarifyStores(backends).value()) {
    conversation = conversations->createConversation({.tenant_id = kTenant}).value();
    EXPECT_THAT(clarify.users->put({.id = "ada"}), IsOk());
  }

  Backends backends;
  std::shared_ptr<PolicyStore> policies;
  std::shared_ptr<ConversationConfigStore> configs;
  std::shared_ptr<ConversationStore> conversations;
  std::shared_ptr<PathStore> paths;
  std::shared_ptr<ContextStore> contexts;
  std::shared_ptr<ExecutionStore> executions;
  ClarifyStores clarify;
  const Caller caller{.tenant_id = kTenant};
  Conversation conversation;
};

// A call that writes a field with so many bytes.
struct Write {
  std::string name;
  std::size_t limit;
  std::function<absl::Status(Stores&, std::size_t)> write;
};

absl::Status append(Stores& stores, NewMessage message) {
  message.conversation_id = stores.conversation.id;
  return stores.conversations->appendMessage({.tenant_id = kTenant}, message).status();
}

absl::Status create(Stores& stores, NewConversation conversation) {
  conversation.tenant_id = kTenant;
  return stores.conversations->createConversation(conversation).status();
}

absl::Status save(Stores& stores, ConversationContext context) {
  context.conversation_id = stores.conversation.id;
  return stores.contexts->save(kTenant, context).status();
}

absl::Status setPolicy(Stores& stores, TenantLlmPolicy policy) {
  policy.tenant_id = kTenant;
  if (policy.default_model.empty()) policy.default_model = "m";
  if (policy.default_provider.empty()) policy.default_provider = "p";
  return stores.policies->setPolicy(policy).status();
}

absl::Status updateSandbox(Stores& stores, SandboxUpdate update) {
  const auto made =
      stores.executions->createContext({.tenant_id = kTenant,
                                        .conversation_id = stores.conversation.id,
                                        .path_id = *stores.conversation.active_path_id});
  if (!made.ok()) return made.status();
  update.status = SandboxStatus::kReady;
  return stores.executions->updateStatus(kTenant, made->context.id, update).status();
}

// [{"task": "…", …}] of so many bytes in all.
std::vector<TaskPolicy> tasksOf(std::size_t bytes) {
  std::vector<TaskPolicy> tasks{{.task = "t", .temperature = 1.5e-7}};
  const std::size_t around = internal::jsonbTextSize(encodeJson(tasks));
  tasks[0].model = textOf(bytes - around);
  return tasks;
}

std::map<std::string, UserPolicy> userPoliciesOf(std::size_t bytes) {
  const std::map<std::string, UserPolicy> one{{"", {}}};
  return {{textOf(bytes - internal::jsonbTextSize(encodeJson(one))), {}}};
}

std::vector<Write> policyFields() {
  return {
      {"default_model", 1000,
       [](Stores& s, std::size_t n) { return setPolicy(s, {.default_model = textOf(n)}); }},
      {"default_provider", 1000,
       [](Stores& s, std::size_t n) { return setPolicy(s, {.default_provider = textOf(n)}); }},
      {"tasks", 256 << 10,
       [](Stores& s, std::size_t n) { return setPolicy(s, {.tasks = tasksOf(n)}); }},
      {"user_policies", 1 << 20,
       [](Stores& s, std::size_t n) { return setPolicy(s, {.user_policies = userPoliciesOf(n)}); }},
      {"updated_by", 1000,
       [](Stores& s, std::size_t n) { return setPolicy(s, {.updated_by = textOf(n)}); }},
      {"updated_by", 1000,
       [](Stores& s, std::size_t n) {
         return s.configs->setTenantConfig(kTenant, {.updated_by = textOf(n)}).status();
       }},
  };
}

std::vector<Write> conversationFields() {
  return {
      {"title", 1000, [](Stores& s, std::size_t n) { return create(s, {.title = textOf(n)}); }},
      {"title", 1000,
       [](Stores& s, std::size_t n) {
         return s.conversations->updateSharing(s.caller, s.conversation.id, {.title = textOf(n)})
             .status();
       }},
      {"trace_id", 1000,
       [](Stores& s, std::size_t n) { return create(s, {.trace_id = textOf(n)}); }},
      {"root_span_name", 1000,
       [](Stores& s, std::size_t n) { return create(s, {.root_span_name = textOf(n)}); }},
      {"root_span_id", 1000,
       [](Stores& s, std::size_t n) { return create(s, {.root_span_id = textOf(n)}); }},
      {"persona_id", 1000,
       [](Stores& s, std::size_t n) { return create(s, {.persona_id = textOf(n)}); }},
      {"authorization_spec", 64 << 10,
       [](Stores& s, std::size_t n) { return create(s, {.authorization_spec = jsonOf(n)}); }},
      {"jurisdictions", 64 << 10,
       [](Stores& s, std::size_t n) { return create(s, {.jurisdictions = listOf(n)}); }},
      {"content", 1 << 20,
       [](Stores& s, std::size_t n) { return append(s, {.content = textOf(n)}); }},
      {"metadata", 64 << 10,
       [](Stores& s, std::size_t n) { return append(s, {.metadata = jsonOf(n)}); }},
      {"trace_id", 1000,
       [](Stores& s, std::size_t n) { return append(s, {.trace_id = textOf(n)}); }},
  };
}

std::vector<Write> pathAndContextFields() {
  return {
      {"name", 1000,
       [](Stores& s, std::size_t n) {
         return s.paths
             ->createPath(kTenant, {.conversation_id = s.conversation.id, .name = textOf(n)})
             .status();
       }},
      {"description", 16 << 10,
       [](Stores& s, std::size_t n) {
         return s.paths
             ->updatePath(kTenant, *s.conversation.active_path_id, {.description = textOf(n)})
             .status();
       }},
      {"active_node_ids", 1 << 20,
       [](Stores& s, std::size_t n) { return save(s, {.active_node_ids = listOf(n)}); }},
      {"active_node_ids", 1 << 20,
       [](Stores& s, std::size_t n) {
         absl::Status saved = save(s, {.active_node_ids = {"ä"}});
         if (!saved.ok()) return saved;
         return s.contexts->mergeActiveNodeIds(kTenant, s.conversation.id, {textOf(n - 10)})
             .status();
       }},
      {"root_span_name", 1000,
       [](Stores& s, std::size_t n) { return save(s, {.root_span_name = textOf(n)}); }},
      {"sandbox_id", 1000,
       [](Stores& s, std::size_t n) { return updateSandbox(s, {.sandbox_id = textOf(n)}); }},
      {"error_message", 64 << 10,
       [](Stores& s, std::size_t n) { return updateSandbox(s, {.error_message = textOf(n)}); }},
      {"resource_usage", 64 << 10,
       [](Stores& s, std::size_t n) { return updateSandbox(s, {.resource_usage = jsonOf(n)}); }},
  };
}

std::vector<Write> clarifyFields() {
  return {
      {"name", 1000,
       [](Stores& s, std::size_t n) {
         return s.clarify.users->put({.id = "ada", .name = textOf(n)}).status();
       }},
      {"category", 1000,
       [](Stores& s, std::size_t n) {
         return s.clarify.dreams->create({.user_id = "ada", .title = "t", .category = textOf(n)})
             .status();
       }},
      {"content", 16 << 10,
       [](Stores& s, std::size_t n) {
         return s.clarify.patterns->consolidate("ada", {{.content = textOf(n)}}).status();
       }},
      {"title", 1000,
       [](Stores& s, std::size_t n) {
         return s.clarify.sessions->create({.user_id = "ada", .title = textOf(n)}).status();
       }},
  };
}

std::vector<Write> fields() {
  std::vector<Write> all;
  for (const auto& some :
       {policyFields(), conversationFields(), pathAndContextFields(), clarifyFields()}) {
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

class TextLimitsTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_THAT(server().createDatabase(kDatabase), IsOk());
    postgres = std::make_unique<Stores>(postgresConfig());
    memory = std::make_unique<Stores>(Config());
  }
  static void TearDownTestSuite() {
    postgres.reset();
    memory.reset();
  }

  static testing::LocalPostgres& server() { return testing::sharedServers().postgres(); }
  static Config postgresConfig() {
    Config config;
    config.database_url = server().url(kDatabase);
    return config;
  }
  static std::vector<std::string> column(const std::string& sql) {
    const auto rows = server().query(sql, kDatabase);
    EXPECT_THAT(rows, IsOk()) << sql;
    std::vector<std::string> texts;
    for (const auto& row : rows.value_or(std::vector<testing::LocalPostgres::Row>())) {
      texts.push_back(row[0].value_or("NULL"));
    }
    return texts;
  }

  static std::unique_ptr<Stores> postgres;
  static std::unique_ptr<Stores> memory;
};

std::unique_ptr<Stores> TextLimitsTest::postgres;
std::unique_ptr<Stores> TextLimitsTest::memory;

// Nearly every text could have any length, up to what PostgreSQL takes in a row.
TEST_F(TextLimitsTest, AreTheSameInMemoryAndInPostgresql) {
  for (const Write& field : fields()) {
    SCOPED_TRACE(field.name);
    EXPECT_THAT(field.write(*memory, field.limit), IsOk());
    EXPECT_THAT(field.write(*postgres, field.limit), IsOk());
    for (const std::size_t bytes : {field.limit + 1, field.limit + 2}) {
      const absl::Status refused = field.write(*memory, bytes);
      EXPECT_EQ(refused,
                absl::InvalidArgumentError(field.name + " has " + std::to_string(bytes) +
                                           " bytes, more than the " + std::to_string(field.limit) +
                                           " that it may have"));
      EXPECT_EQ(field.write(*postgres, bytes), refused);
    }
  }
}

// A copy has one member of metadata more than the message that it is of.
TEST_F(TextLimitsTest, HoldForTheCopiesOfAMerge) {
  for (Stores* stores : {memory.get(), postgres.get()}) {
    const auto side = stores->paths->createPath(
        kTenant, {.conversation_id = stores->conversation.id, .name = "side"});
    ASSERT_THAT(side, IsOk());
    ASSERT_THAT(append(*stores, {.path_id = side->id, .metadata = jsonOf(64 << 10)}), IsOk());
    const MergeRequest request{.source_path_id = side->id,
                               .target_path_id = *stores->conversation.active_path_id,
                               .mode = MergeMode::kFull};
    const auto refused = StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("metadata has 65"));
    EXPECT_THAT(stores->paths->previewMerge(kTenant, request), refused);
    EXPECT_THAT(stores->paths->mergePath(kTenant, request), refused);
  }
}

template <typename T>
std::vector<std::string> limitsOf(const std::string& table) {
  std::vector<std::string> all;
  for (const TextLimit& limit : TextLimits<T>::all) {
    const auto& members = typeInfo<T>().fields;
    const auto member = std::ranges::find(members, limit.field, &Field::name);
    const bool is_json = columnType(member->type()) == "jsonb";
    all.push_back(table + "_" + std::string(limit.field) + "_length: CHECK ((octet_length(" +
                  (is_json ? "(" : "") + std::string(limit.field) + (is_json ? ")::text" : "") +
                  ") <= " + std::to_string(limit.bytes) + ")) NOT VALID");
  }
  return all;
}

TEST_F(TextLimitsTest, AreThoseOfTheDatabaseToo) {
  const std::map<std::string, std::vector<std::string>> expected = {
      {"tenant_llm_policies", limitsOf<TenantLlmPolicy>("tenant_llm_policies")},
      {"conversation_configs", limitsOf<ConversationConfigOverrides>("conversation_configs")},
      {"conversations", limitsOf<Conversation>("conversations")},
      {"conversation_paths", limitsOf<Path>("conversation_paths")},
      {"messages", limitsOf<Message>("messages")},
      {"conversation_contexts", limitsOf<ConversationContext>("conversation_contexts")},
      {"execution_contexts", limitsOf<ExecutionContext>("execution_contexts")},
      {"users", limitsOf<UserProfile>("users")},
      {"dreams", limitsOf<Dream>("dreams")},
      {"clarify_patterns", limitsOf<ClarifyPattern>("clarify_patterns")},
      {"clarify_sessions", limitsOf<ClarifySession>("clarify_sessions")},
  };
  for (const auto& [table, limits] : expected) {
    EXPECT_THAT(column("SELECT conname || ': ' || pg_get_constraintdef(oid) FROM pg_constraint"
                       " WHERE conrelid = '" +
                       table + "'::regclass AND conname LIKE '%\\_length'"),
                ::testing::UnorderedElementsAreArray(limits));
  }
}

TEST_F(TextLimitsTest, AreKeptByTheDatabaseWherePastTheLibraryIsWritten) {
  const auto write = [](const std::string& sql) { return server().query(sql, kDatabase).status(); };
  const auto refused = [](const std::string& constraint) {
    return StatusIs(absl::StatusCode::kInternal, HasSubstr(constraint));
  };
  EXPECT_THAT(write("UPDATE users SET name = repeat('ö', 500)"), IsOk());
  EXPECT_THAT(write("UPDATE users SET name = repeat('ö', 500) || 'x'"),
              refused("users_name_length"));
  EXPECT_THAT(write("INSERT INTO users (id, name) VALUES ('b', repeat('x', 1001))"),
              refused("users_name_length"));
  EXPECT_THAT(write("UPDATE conversations SET authorization_spec ="
                    " jsonb_build_object('a', repeat('x', 65536))"),
              refused("conversations_authorization_spec_length"));
}

// C++ must not take what the database refuses, nor the reverse.
TEST_F(TextLimitsTest, MeasureJsonAsTheDatabaseDoes) {
  const std::vector<std::string> texts = {
      R"({"b":[1,-2.5,1e300,1e-300,5e-324,1.7976931348623157e308,123456789012345678,0.1,1E2]})",
      R"({"x":{"y":{"z":[null,true,false,"",{}]}},"k":"a,b:c{[1e5]}"})",
      R"({"e":"\"\\\/\b\f\n\r\t\u0001\u001f\u007f\u00e9\ud83e\udd89","ö":"\\u0008"})",
      R"({"dup":1,"dup":2,"n":[1.5e-7,-1.25e+20,1.5e21,12345.678e-10,-0.0,9007199254740993e0]})",
      R"([])",
      R"([[[]]])",
      R"("plain \b")",
      "17",
      "-1e22"};
  for (const std::string& text : texts) {
    const auto json = Json::parse(text);
    ASSERT_THAT(json, IsOk()) << text;
    EXPECT_THAT(column("SELECT octet_length('" + json->text() + "'::jsonb::text)"),
                ElementsAre(std::to_string(internal::jsonbTextSize(json->text()))))
        << text;
  }
}

// An upgrade must not lock out, nor hide, what an earlier version stored.
TEST_F(TextLimitsTest, LeaveLongerRowsOfAnEarlierVersionReadable) {
  auto url = server().createDatabase("text_limits_upgrade");
  ASSERT_THAT(url, IsOk());
  Config config;
  config.database_url = *url;
  const auto run = [](const std::string& sql) {
    return server().query(sql, "text_limits_upgrade").status();
  };
  {
    auto pool = PostgresPool::open({.url = *url, .pool_size = 1});
    ASSERT_THAT(pool, IsOk());
    ASSERT_THAT(applyMigrations(**pool, conversationMigrations().first(3)), IsOk());
  }
  const std::string id = kUser;
  const std::string path = internal::newUuid({});
  ASSERT_THAT(run("BEGIN; INSERT INTO conversations (tenant_id, id, active_path_id) VALUES ('" +
                  std::string(kTenant) + "', '" + id + "', '" + path +
                  "');"
                  "INSERT INTO conversation_paths (tenant_id, id, conversation_id, is_primary)"
                  " VALUES ('" +
                  kTenant + "', '" + path + "', '" + id +
                  "', true);"
                  "INSERT INTO messages (tenant_id, id, conversation_id, path_id, sequence_in_path,"
                  " role, content, metadata) VALUES ('" +
                  kTenant + "', gen_random_uuid(), '" + id + "', '" + path +
                  "', 1, 'user', repeat('x', 2000000), '{}'); COMMIT"),
              IsOk());
  Stores stores(config);
  const Caller caller{.tenant_id = kTenant};
  const auto messages = stores.conversations->getMessages(caller, id, {});
  ASSERT_THAT(messages, IsOk());
  ASSERT_EQ(messages->size(), 1);
  EXPECT_EQ(messages->front().content.size(), 2'000'000);
  EXPECT_THAT(stores.paths->resolvePathMessages(kTenant, path, {}), IsOk());
  EXPECT_THAT(stores.conversations->appendMessage(
                  caller, {.conversation_id = id, .content = "next", .role = MessageRole::kSystem}),
              IsOk());
  // A change of the row itself is refused in the words of any other text that is too long.
  EXPECT_THAT(stores.paths->pinMessage(kTenant, messages->front().id, std::nullopt),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("content has 2000000 bytes")));
  ASSERT_THAT(run("UPDATE messages SET content = left(content, 1000000)"), IsOk());
  EXPECT_THAT(stores.paths->pinMessage(kTenant, messages->front().id, std::nullopt), IsOk());
}

}  // namespace
}  // namespace strata
