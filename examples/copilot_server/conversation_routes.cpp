// /v1/conversations: those that the caller may read.
#include <boost/json/parse.hpp>
#include <charconv>

#include "examples/copilot_server/application.h"
#include "examples/copilot_server/conversation_list.h"
#include "examples/copilot_server/json_body.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"
#include "strata/stores/conversations/conversation_events.h"

namespace copilot {
namespace {

namespace names = strata::conversation_event_names;
using strata::Conversation;
using strata::ConversationStatus;

struct NewConversationBody {
  std::optional<std::string> id;
  std::optional<std::string> title;
  strata::ShareAudience share_audience = strata::ShareAudience::kPrivate;
  strata::TenantAccess tenant_access = strata::TenantAccess::kView;
  std::optional<std::string> persona_id;
  std::vector<std::string> jurisdictions;
};
BOOST_DESCRIBE_STRUCT(NewConversationBody, (),
                      (id, title, share_audience, tenant_access, persona_id, jurisdictions))

// What is absent stays as it is; a title of null clears it.
struct ConversationPatchBody {
  std::optional<std::string> title;
  std::optional<strata::ShareAudience> share_audience;
  std::optional<strata::TenantAccess> tenant_access;
  std::optional<bool> archived;
};
BOOST_DESCRIBE_STRUCT(ConversationPatchBody, (), (title, share_audience, tenant_access, archived))

absl::StatusOr<ConversationStatus> statusOf(const Call& call) {
  const auto asked = call.request.query.find("status");
  if (asked == call.request.query.end() || asked->second == "active") {
    return ConversationStatus::kActive;
  }
  if (asked->second == "archived") return ConversationStatus::kArchived;
  if (asked->second == "all") return ConversationStatus::kAll;
  return absl::InvalidArgumentError("status is one of active, archived, all");
}

absl::StatusOr<Response> create(Service& service, const Call& call) {
  auto body = bodyOf<NewConversationBody>(call);
  if (!body.ok()) return body.status();
  auto made =
      service.conversations->createConversation({.tenant_id = call.caller.tenant_id,
                                                 .user_id = call.user(),
                                                 .id = std::move(body->id),
                                                 .title = std::move(body->title),
                                                 .share_audience = body->share_audience,
                                                 .tenant_access = body->tenant_access,
                                                 .persona_id = std::move(body->persona_id),
                                                 .jurisdictions = std::move(body->jurisdictions)});
  if (!made.ok()) return made.status();
  publishToList(*service.events, names::kUpsert, *made);
  Response response = jsonResponse(*made, 201);
  response.headers.emplace_back("Location", "/v1/conversations/" + made->id);
  return response;
}

absl::StatusOr<Response> list(Service& service, const Call& call) {
  auto page = listConversations(*service.conversations, call);
  if (!page.ok()) return page.status();
  return jsonResponse(*page);
}

absl::StatusOr<Response> get(Service& service, const Call& call) {
  auto conversation = service.conversations->getConversation(call.caller, call.arguments[0]);
  if (!conversation.ok()) return conversation.status();
  return jsonResponse(**conversation);
}

// Those who follow the conversation itself learn of it too: some may not read on.
void publishMetadata(Service& service, const Conversation& conversation) {
  auto data = strata::Json::parse(strata::encodeJson(conversation));
  if (!data.ok()) return;
  service.events
      ->publish(strata::conversationEvents(conversation.tenant_id, conversation.id),
                names::kMetadata, *data)
      .IgnoreError();  // too large to tell; it is stored
}

absl::StatusOr<Conversation> setArchived(Service& service, const Call& call, bool archived) {
  auto changed = service.conversations->setArchivedState(call.caller, call.arguments[0], archived);
  if (!changed.ok()) return changed;
  publishToList(*service.events, archived ? names::kArchived : names::kUnarchived, *changed);
  publishMetadata(service, *changed);
  return changed;
}

absl::StatusOr<Conversation> updateSharing(Service& service, const Call& call,
                                           const strata::SharingUpdate& update) {
  const auto before = service.conversations->getConversation(call.caller, call.arguments[0]);
  const bool was_shared =
      before.ok() && (*before)->share_audience != strata::ShareAudience::kPrivate;
  auto changed = service.conversations->updateSharing(call.caller, call.arguments[0], update);
  if (!changed.ok()) return changed;
  if (update.title) publishToList(*service.events, names::kRenamed, *changed);
  if (update.share_audience || update.tenant_access) {
    publishToList(*service.events, names::kSharing, *changed, was_shared);
  }
  publishMetadata(service, *changed);
  return changed;
}

// Whether the body has a title that is null, which a described struct reads as absent.
bool clearsTitle(const Call& call) {
  boost::json::error_code error;
  const auto body = boost::json::parse(call.request.body, error);
  if (error || !body.is_object()) return false;
  const auto* const title = body.get_object().if_contains("title");
  return title != nullptr && title->is_null();
}

absl::StatusOr<Response> patch(Service& service, const Call& call) {
  auto body = bodyOf<ConversationPatchBody>(call);
  if (!body.ok()) return body.status();
  strata::SharingUpdate update{.share_audience = body->share_audience,
                               .tenant_access = body->tenant_access};
  if (body->title || clearsTitle(call)) update.title = body->title;
  absl::StatusOr<Conversation> changed = absl::InvalidArgumentError(
      "the body changes nothing; it may have title, share_audience, tenant_access, archived");
  if (update.title || update.share_audience || update.tenant_access) {
    changed = updateSharing(service, call, update);
    if (!changed.ok()) return changed.status();
  }
  if (body->archived) changed = setArchived(service, call, *body->archived);
  if (!changed.ok()) return changed.status();
  return jsonResponse(*changed);
}

// Conversations are kept: one that was deleted is found among the archived.
absl::StatusOr<Response> archive(Service& service, const Call& call) {
  auto changed = setArchived(service, call, true);
  if (!changed.ok()) return changed.status();
  return Response{.status = 204};
}

}  // namespace

absl::StatusOr<std::int64_t> numberOf(const Call& call, const std::string& name,
                                      std::int64_t otherwise) {
  const auto found = call.request.query.find(name);
  if (found == call.request.query.end()) return otherwise;
  const std::string& text = found->second;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return absl::InvalidArgumentError(name + " is not a number");
}

absl::StatusOr<ConversationList> listConversations(strata::ConversationStore& conversations,
                                                   const Call& call) {
  strata::ConversationQuery query;
  auto status = statusOf(call);
  if (!status.ok()) return status.status();
  query.status = *status;
  auto limit = numberOf(call, "limit", query.limit);
  if (!limit.ok()) return limit.status();
  query.limit = *limit;
  const auto cursor = call.request.query.find("cursor");
  if (cursor != call.request.query.end()) query.cursor = cursor->second;
  auto page = conversations.listConversations(call.caller, query);
  if (!page.ok()) return page.status();
  return ConversationList{std::move(page->conversations), std::move(page->next_cursor)};
}

void publishToList(strata::EventHub& events, std::string_view name,
                   const Conversation& conversation, bool was_shared) {
  std::string text = strata::encodeJson(conversation);
  // In front of the closing brace: a conversation has members.
  if (was_shared) text.insert(text.size() - 1, std::string(",\"") + kWasShared + "\":true");
  auto data = strata::Json::parse(text);
  absl::Status status = data.status();
  if (data.ok()) {
    status = events.publish(strata::conversationListEvents(conversation.tenant_id), name, *data);
  }
  if (status.ok()) return;
  // It is stored, and whoever lists the conversations sees it.
  strata::log(strata::Severity::kWarning, "copilot_server.not_told",
              {{"why", strata::describe(status)}});
}

void addConversationRoutes(Router& router, Service& service) {
  const auto with = [&service](auto handler) {
    return [&service, handler](const Call& call) { return handler(service, call); };
  };
  router.add({"POST", "/v1/conversations", RouteCost::kWrite, with(create)});
  router.add({"GET", "/v1/conversations", RouteCost::kRead, with(list)});
  router.add({"GET", "/v1/conversations/{}", RouteCost::kRead, with(get)});
  router.add({"PATCH", "/v1/conversations/{}", RouteCost::kWrite, with(patch)});
  router.add({"DELETE", "/v1/conversations/{}", RouteCost::kWrite, with(archive)});
}

}  // namespace copilot
