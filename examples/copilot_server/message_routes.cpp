// /v1/conversations/{}/messages: what was said.
#include "examples/copilot_server/access.h"
#include "examples/copilot_server/application.h"
#include "examples/copilot_server/conversation_list.h"
#include "examples/copilot_server/json_body.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"
#include "strata/stores/conversations/conversation_events.h"

namespace copilot {
namespace {

namespace names = strata::conversation_event_names;

struct NewMessageBody {
  // A client that repeats a request whose answer it lost sends the same id and gets a 409.
  std::optional<std::string> id;
  std::string content;
  strata::MessageRole role = strata::MessageRole::kUser;
  std::optional<std::string> path_id;
  strata::Json metadata;
};
BOOST_DESCRIBE_STRUCT(NewMessageBody, (), (id, content, role, path_id, metadata))

struct MessageList {
  std::vector<strata::Message> messages;
};
BOOST_DESCRIBE_STRUCT(MessageList, (), (messages))

// No error of this is one of the request: the message is stored.
void tell(Service& service, const Call& call, const strata::Message& message) {
  auto data = strata::Json::parse(strata::encodeJson(message));
  absl::Status status = data.status();
  if (data.ok()) {
    status = service.events->publish(
        strata::conversationEvents(call.caller.tenant_id, message.conversation_id), names::kMessage,
        *data);
  }
  auto conversation = service.conversations->getConversation(call.caller, message.conversation_id);
  if (conversation.ok()) publishToList(*service.events, names::kUpsert, **conversation);
  status.Update(conversation.status());
  if (status.ok()) return;
  strata::log(strata::Severity::kWarning, "copilot_server.not_told",
              {{"why", strata::describe(status)}});
}

absl::StatusOr<Response> append(Service& service, const Call& call) {
  auto body = bodyOf<NewMessageBody>(call);
  if (!body.ok()) return body.status();
  if (body->content.empty()) return absl::InvalidArgumentError("content is empty");
  if (body->role != strata::MessageRole::kUser) {
    // The store leaves messages of the assistant and the system to those who write them.
    if (absl::Status status = checkWrite(service, call); !status.ok()) return status;
  }
  auto message =
      service.conversations->appendMessage(call.caller, {.conversation_id = call.arguments[0],
                                                         .content = std::move(body->content),
                                                         .role = body->role,
                                                         .path_id = std::move(body->path_id),
                                                         .id = std::move(body->id),
                                                         .metadata = std::move(body->metadata)});
  if (!message.ok()) return message.status();
  tell(service, call, *message);
  return jsonResponse(*message, 201);
}

absl::StatusOr<Response> list(Service& service, const Call& call) {
  strata::MessageQuery query;
  auto limit = numberOf(call, "limit", query.limit);
  if (!limit.ok()) return limit.status();
  query.limit = *limit;
  const auto path = call.request.query.find("path");
  if (path != call.request.query.end()) query.path_id = path->second;
  auto messages = service.conversations->getMessages(call.caller, call.arguments[0], query);
  if (!messages.ok()) return messages.status();
  return jsonResponse(MessageList{*std::move(messages)});
}

}  // namespace

void addMessageRoutes(Router& router, Service& service) {
  const auto with = [&service](auto handler) {
    return [&service, handler](const Call& call) { return handler(service, call); };
  };
  router.add({"POST", "/v1/conversations/{}/messages", RouteCost::kWrite, with(append)});
  router.add({"GET", "/v1/conversations/{}/messages", RouteCost::kRead, with(list)});
}

}  // namespace copilot
