#include "stores/conversations/context/postgres_context_tables.h"

#include <fmt/format.h>

#include <vector>

#include "stores/base/postgres_records.h"
#include "stores/conversations/context/context_statements.h"

namespace strata::internal {
namespace {

using postgres::Effect;

const RecordColumns& columns() {
  static const auto* const columns =
      new RecordColumns("conversation_contexts", typeInfo<ConversationContext>());
  return *columns;
}

}  // namespace

const ContextStatements& contextStatements() {
  static const auto* const statements = new ContextStatements{
      .lock_conversation = {"SELECT id FROM $schema.conversations WHERE tenant_id = $1 AND id = $2 "
                            "FOR NO KEY UPDATE",
                            "lock a conversation", Effect::kReads},
      .find = {fmt::format("SELECT {} FROM $schema.conversation_contexts "
                           "WHERE tenant_id = $1 AND conversation_id = $2",
                           columns().names()),
               "find a conversation context", Effect::kReads},
      .put = {fmt::format("INSERT INTO $schema.conversation_contexts ({}) VALUES ({}) "
                          "ON CONFLICT (tenant_id, conversation_id) DO UPDATE SET {}",
                          columns().names(), columns().parameters(1),
                          columns().assignments(1, {"tenant_id", "conversation_id"})),
              "put a conversation context", Effect::kWrites}};
  return *statements;
}

absl::StatusOr<bool> PostgresContextTables::lockConversation(const std::string& tenant_id,
                                                             const std::string& conversation_id) {
  auto answer = session_.run(contextStatements().lock_conversation, {{tenant_id, conversation_id}});
  if (!answer.ok()) return answer.status();
  return answer->rows.size() == 1;
}

absl::StatusOr<std::optional<ConversationContext>> PostgresContextTables::find(
    const std::string& tenant_id, const std::string& conversation_id) {
  auto answer = session_.run(contextStatements().find, {{tenant_id, conversation_id}});
  if (!answer.ok()) return answer.status();
  if (answer->rows.size() == 0) return std::nullopt;
  ConversationContext context;
  absl::Status status = columns().read(answer->rows, 0, &context);
  if (!status.ok()) return status;
  return context;
}

absl::Status PostgresContextTables::put(const ConversationContext& context) {
  std::vector<postgres::Bind> binds;
  columns().bindTo(&context, binds);
  return session_.run(contextStatements().put, binds).status();
}

}  // namespace strata::internal
