// /v1/events and /v1/conversations/{}/events: what happens, as it happens, as server-sent events.
//
// A subscription begins before the read that authorizes or shows, so that nothing falls in between.
// Both channels carry the conversation as it is after each change, and each stream decides for its
// own reader by the rules of the store.
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "absl/strings/ascii.h"
#include "examples/copilot_server/application.h"
#include "examples/copilot_server/conversation_list.h"
#include "examples/copilot_server/errors.h"
#include "examples/copilot_server/json_body.h"
#include "strata/stores/conversations/conversation_events.h"

namespace copilot {
namespace {

namespace names = strata::conversation_event_names;
using strata::Caller;
using strata::Event;
using strata::EventDelivery;

constexpr absl::Duration kLiveTimeout = absl::Milliseconds(250);

std::string eventText(std::string_view id, std::string_view name, std::string_view data) {
  std::string text;
  if (!id.empty()) text.append("id: ").append(id).append("\n");
  text.append("event: ").append(name).append("\ndata: ").append(data).append("\n\n");
  return text;
}

std::string textOf(const Event& event, std::string_view name, std::string_view data) {
  return eventText(event.instance_id + ":" + std::to_string(event.sequence), name, data);
}

std::string gapText(const strata::EventGap& gap) {
  const boost::json::value data = {{"reason", boost::json::string(strata::toString(gap.reason))},
                                   {"missed", gap.missed}};
  return eventText("", "gap", boost::json::serialize(data));
}

bool mayRead(const strata::Conversation& conversation, const Caller& caller) {
  return strata::RowAuthorization()
      .decide(conversation, caller, strata::ConversationAction::kRead)
      .allowed;
}

// Of a conversation: everything, until its reader may no longer read it.
EventStream::Text ofConversation(const EventDelivery& delivery, const Caller& caller) {
  if (delivery.event == nullptr) return {.text = gapText(delivery.gap)};
  const Event& event = *delivery.event;
  if (event.name == names::kMetadata) {
    const auto conversation = strata::decodeJson<strata::Conversation>(event.data.text());
    if (!conversation.ok() || !mayRead(*conversation, caller)) return {.text = "", .is_last = true};
  }
  return {.text = textOf(event, event.name, event.data.text())};
}

// Of a tenant's list: what this reader may read. A conversation that they no longer may is gone.
EventStream::Text ofList(const EventDelivery& delivery, const Caller& caller) {
  if (delivery.event == nullptr) return {.text = gapText(delivery.gap)};
  const Event& event = *delivery.event;
  const auto conversation = strata::decodeJson<strata::Conversation>(event.data.text());
  if (!conversation.ok()) return {};
  if (mayRead(*conversation, caller)) return {.text = textOf(event, event.name, event.data.text())};
  if (event.name != names::kSharing) return {};
  const boost::json::value gone = {{"id", conversation->id}};
  return {.text = textOf(event, names::kDeleted, boost::json::serialize(gone))};
}

// Subscribed, and reached by other processes where they can be reached.
absl::StatusOr<std::unique_ptr<strata::EventSubscription>> follow(
    Service& service, const Call& call, const strata::EventChannel& channel) {
  auto events = service.events->subscribe(channel, {.on_ready = call.request.wake});
  if (!events.ok()) return ours(events.status());
  // Where the others cannot be reached now, a gap will tell when they are.
  (*events)->waitUntilLive(strata::Deadline::in(kLiveTimeout)).IgnoreError();
  return events;
}

Response streamResponse(EventStream stream) {
  return {.stream = std::make_shared<EventStream>(std::move(stream))};
}

absl::StatusOr<Response> followConversation(Service& service, const Call& call) {
  const std::string id = absl::AsciiStrToLower(call.arguments[0]);  // as it is published
  auto events = follow(service, call, strata::conversationEvents(call.caller.tenant_id, id));
  if (!events.ok()) return events.status();
  const auto may_read = [&service, caller = call.caller, id]() -> absl::Status {
    return service.conversations->getConversation(caller, id).status();
  };
  if (absl::Status status = may_read(); !status.ok()) return status;
  return streamResponse(
      {.events = *std::move(events),
       .first = ": live\n\n",
       .render = [caller = call.caller](
                     const EventDelivery& delivery) { return ofConversation(delivery, caller); },
       // A store that cannot be asked is no reason to end.
       .may_go_on = [may_read] { return !absl::IsNotFound(may_read()); }});
}

absl::StatusOr<Response> followList(Service& service, const Call& call) {
  auto events = follow(service, call, strata::conversationListEvents(call.caller.tenant_id));
  if (!events.ok()) return events.status();
  auto page = listConversations(*service.conversations, call);
  if (!page.ok()) return page.status();
  return streamResponse(
      {.events = *std::move(events),
       .first = eventText("", names::kSnapshot, strata::encodeJson(*page)),
       .render = [caller = call.caller](
                     const EventDelivery& delivery) { return ofList(delivery, caller); },
       .may_go_on = [] { return true; }});
}

}  // namespace

void addEventRoutes(Router& router, Service& service) {
  const auto with = [&service](auto handler) {
    return [&service, handler](const Call& call) { return handler(service, call); };
  };
  router.add({"GET", "/v1/conversations/{}/events", RouteCost::kRead, with(followConversation)});
  router.add({"GET", "/v1/events", RouteCost::kRead, with(followList)});
}

}  // namespace copilot
