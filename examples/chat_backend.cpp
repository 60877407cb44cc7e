// A chat back end's work with its stores: a conversation is created, goes on, branches, merges, is
// shared and listed. In memory, on the servers of DATABASE_URL and REDIS_URL, or, with
// --local-servers, on a PostgreSQL and a Redis that it starts for itself.
#include <iostream>
#include <memory>
#include <string>
#include <string_view>

#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/path_store_factory.h"
#include "strata/strata.h"
#include "strata/testing/servers/local_servers.h"

using strata::Caller;
using strata::Message;
using strata::MessageRole;

// Everything that a request handler needs, made once.
struct Stores {
  strata::Backends backends;
  std::unique_ptr<strata::ConversationStore> conversations;
  std::unique_ptr<strata::PathStore> paths;
};

absl::StatusOr<Stores> open(const strata::Config& config) {
  auto backends = strata::connect(config);
  if (!backends.ok()) return backends.status();
  auto conversations = strata::createConversationStore(*backends);
  if (!conversations.ok()) return conversations.status();
  auto paths = strata::createPathStore(*backends);
  if (!paths.ok()) return paths.status();
  return Stores{*std::move(backends), *std::move(conversations), *std::move(paths)};
}

// One question and its answer; both are stored, or neither is.
absl::StatusOr<Message> exchange(Stores& stores, const Caller& caller,
                                 const std::string& conversation, const std::string& question,
                                 const std::string& answer) {
  auto unit = strata::beginUnitOfWork(stores.backends);
  if (!unit.ok()) return unit.status();
  auto asked = stores.conversations->appendMessage(
      caller, {.conversation_id = conversation, .content = question}, {.unit = unit->get()});
  if (!asked.ok()) return asked;
  auto answered = stores.conversations->appendMessage(
      caller, {.conversation_id = conversation, .content = answer, .role = MessageRole::kAssistant},
      {.unit = unit->get()});
  if (!answered.ok()) return answered;
  if (absl::Status status = (*unit)->commit(); !status.ok()) return status;
  return asked;
}

void show(std::string_view title, const absl::StatusOr<std::vector<Message>>& messages) {
  std::cout << title << "\n";
  if (!messages.ok()) std::cout << "  " << messages.status().ToString() << "\n";
  if (!messages.ok()) return;
  for (const Message& message : *messages) std::cout << "  " << message.content << "\n";
}

// Asks the first question differently on a branch, and brings the result back.
absl::Status branchAndMerge(Stores& stores, const Caller& caller, const Message& question) {
  auto branch = stores.paths->branchFromMessage(caller.tenant_id, question.id,
                                                {.name = "Shorter", .activate = true});
  if (!branch.ok()) return branch.status();
  auto retold = exchange(stores, caller, question.conversation_id, "In one word?", "Layers.");
  if (!retold.ok()) return retold.status();
  show("On the branch, with what came before:",
       stores.paths->resolvePathMessages(caller.tenant_id, branch->id));
  auto merged = stores.paths->mergePath(caller.tenant_id, {.source_path_id = branch->id,
                                                           .target_path_id = question.path_id,
                                                           .mode = strata::MergeMode::kFull});
  return merged.status();
}

absl::Status share(Stores& stores, const Caller& owner, const Caller& colleague,
                   const std::string& conversation) {
  const auto hidden = stores.conversations->getConversation(colleague, conversation);
  std::cout << "A colleague before sharing: " << hidden.status().ToString() << "\n";
  auto shared = stores.conversations->updateSharing(
      owner, conversation, {.share_audience = strata::ShareAudience::kTenant});
  if (!shared.ok()) return shared.status();
  auto listed = stores.conversations->listConversations(colleague);
  if (!listed.ok()) return listed.status();
  std::cout << "A colleague after sharing sees " << listed->conversations.size() << ": "
            << *listed->conversations.front().title << "\n";
  return absl::OkStatus();
}

absl::Status talk(Stores& stores, const Caller& owner, const Caller& colleague) {
  auto conversation = stores.conversations->createConversation(
      {.tenant_id = owner.tenant_id, .user_id = owner.user_id, .title = "What is a stratum?"});
  if (!conversation.ok()) return conversation.status();
  auto question =
      exchange(stores, owner, conversation->id, "What is a stratum?", "A layer of rock or soil.");
  if (!question.ok()) return question.status();
  absl::Status status = branchAndMerge(stores, owner, *question);
  if (!status.ok()) return status;
  show("The conversation afterwards:",
       stores.paths->resolvePathMessages(owner.tenant_id, question->path_id));
  return share(stores, owner, colleague, conversation->id);
}

absl::Status run(bool on_local_servers) {
  auto config = strata::configFromEnv();
  if (!config.ok()) return config.status();
  std::unique_ptr<strata::testing::LocalServers> servers;
  if (on_local_servers) {
    auto started = strata::testing::LocalServers::start({.postgres = true, .redis = true});
    if (!started.ok()) return started.status();
    servers = *std::move(started);
    config->database_url = servers->postgres().url();
    config->cache_url = servers->redis().url();
    config->domain.enable_conversation_cache = true;
  }
  auto stores = open(*config);
  if (!stores.ok()) return stores.status();
  const std::string tenant = "6ad5a6a6-0c5c-4f0e-9d0b-1f8f0d0c7a11";
  return talk(*stores, {tenant, "0f6a1b52-7a3e-4c39-8a54-5b1f6c1d2e3f"},
              {tenant, "c56a4180-65aa-42ec-a945-5fd21dec0538"});
}

int main(int argc, char** argv) {
  const absl::Status status = run(argc > 1 && std::string_view(argv[1]) == "--local-servers");
  if (!status.ok()) std::cerr << status.ToString() << "\n";
  return status.ok() ? 0 : 1;
}
