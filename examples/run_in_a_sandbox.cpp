// What a chat back end does around a turn that runs code: it remembers what the conversation is
// about, takes the path's sandbox or starts one, and clears up behind those that nobody uses.
#include <iostream>
#include <string>
#include <vector>

#include "strata/factories/context_store_factory.h"
#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/execution_store_factory.h"
#include "strata/strata.h"

// The sandboxes of the application's.
std::string startSandbox() { return "sandbox-1"; }
void endSandbox(const std::string& sandbox) { std::cout << sandbox << " has ended\n"; }

absl::StatusOr<std::string> sandboxOf(strata::ExecutionStore& executions,
                                      const strata::Conversation& conversation) {
  auto made = executions.createContext({.tenant_id = conversation.tenant_id,
                                        .conversation_id = conversation.id,
                                        .path_id = *conversation.active_path_id});
  if (!made.ok()) return made.status();
  if (!made->created) {
    auto used = executions.touchContext(conversation.tenant_id, made->context.id);
    if (!used.ok()) return used.status();
    return used->sandbox_id;
  }
  if (made->replaced) endSandbox(made->replaced->sandbox_id);
  auto ready = executions.updateStatus(
      conversation.tenant_id, made->context.id,
      {.status = strata::SandboxStatus::kReady, .sandbox_id = startSandbox()});
  if (!ready.ok()) return ready.status();
  return ready->sandbox_id;
}

// To be called now and then, for each tenant.
absl::Status clearUp(strata::ExecutionStore& executions, const std::string& tenant) {
  auto expired = executions.getExpiredContexts(tenant);
  if (!expired.ok()) return expired.status();
  for (const strata::ExecutionContext& context : *expired) {
    endSandbox(context.sandbox_id);
    auto terminated = executions.terminateContext(tenant, context.id);
    if (!terminated.ok()) return terminated.status();
  }
  return executions.purgeTerminated(tenant).status();
}

absl::Status remember(strata::ContextStore& contexts, const strata::Conversation& conversation,
                      const std::vector<std::string>& found) {
  auto context = contexts.mergeActiveNodeIds(conversation.tenant_id, conversation.id, found);
  if (!context.ok()) return context.status();
  std::cout << "it is about " << context->active_node_ids.size() << " nodes\n";
  return absl::OkStatus();
}

absl::Status run() {
  auto config = strata::configFromEnv();
  if (!config.ok()) return config.status();
  auto backends = strata::connect(*config);
  if (!backends.ok()) return backends.status();
  auto conversations = strata::createConversationStore(*backends);
  if (!conversations.ok()) return conversations.status();
  auto contexts = strata::createContextStore(*backends);
  if (!contexts.ok()) return contexts.status();
  auto executions = strata::createExecutionStore(*backends);
  if (!executions.ok()) return executions.status();

  const std::string tenant = "6ad5a6a6-0c5c-4f0e-9d0b-1f8f0d0c7a11";
  auto conversation = (*conversations)->createConversation({.tenant_id = tenant});
  if (!conversation.ok()) return conversation.status();
  absl::Status status = remember(**contexts, *conversation, {"orders", "invoices"});
  if (!status.ok()) return status;
  auto sandbox = sandboxOf(**executions, *conversation);
  if (!sandbox.ok()) return sandbox.status();
  std::cout << "the code runs in " << *sandbox << "\n";
  return clearUp(**executions, tenant);
}

int main() {
  const absl::Status status = run();
  if (!status.ok()) std::cerr << status.ToString() << "\n";
  return status.ok() ? 0 : 1;
}
