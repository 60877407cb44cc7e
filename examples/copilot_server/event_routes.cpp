// /v1/events and /v1/conversations/{}/events: what happens, as it happens, as server-sent events.
//
// A subscription begins before the read that authorizes or shows, so that nothing falls in between.
// Both channels carry the conversation as it is after each change, and each stream decides for its
// own reader by the rules of the store.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/time/time.h"
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

bool wasShared(const Event& event) {
  boost::json::error_code error;
  const auto data = boost::json::parse(event.data.text(), error);
  if (error || !data.is_object()) return false;
  const auto* const found = data.get_object().if_contains(kWasShared);
  return found != nullptr && found->is_bool() && found->get_bool();
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

// What one reader of a tenant's list may read. A conversation that they no longer may is `deleted` for
// them; of one that they never could read they do not learn that there is one.
class ListReader {
 public:
  ListReader(Caller caller, const ConversationList& shown) : caller_(std::move(caller)) {
    for (const strata::Conversation& conversation : shown.conversations) remember(conversation);
  }

  EventStream::Text render(const EventDelivery& delivery) {
    if (delivery.event == nullptr) return {.text = gapText(delivery.gap)};
    const Event& event = *delivery.event;
    const auto conversation = strata::decodeJson<strata::Conversation>(event.data.text());
    if (!conversation.ok() || isOlder(*conversation)) return {};
    if (mayRead(*conversation, caller_)) {
      remember(*conversation);
      return {.text = textOf(event, event.name, strata::encodeJson(*conversation))};
    }
    const auto known = known_.find(conversation->id);
    const bool was_shown = known != known_.end() && known->second.shown;
    if (event.name != names::kSharing || !(was_shown || wasShared(event))) return {};
    remember(*conversation, /*shown=*/false);
    const boost::json::value gone = {{"id", conversation->id}};
    return {.text = textOf(event, names::kDeleted, boost::json::serialize(gone))};
  }

 private:
  struct Known {
    strata::Timestamp updated_at;
    bool shown = false;
  };

  // Two requests may publish in another order than they changed the conversation. The older state would
  // show what is private again.
  bool isOlder(const strata::Conversation& conversation) const {
    const auto known = known_.find(conversation.id);
    return known != known_.end() && conversation.updated_at < known->second.updated_at;
  }
  // Those that were shared with the tenant and not shown here, on a later page for instance, are known
  // by their event, so forgetting costs little.
  void remember(const strata::Conversation& conversation, bool shown = true) {
    constexpr std::size_t kMost = 10'000;
    if (known_.size() >= kMost) known_.clear();
    known_.insert_or_assign(conversation.id, Known{conversation.updated_at, shown});
  }

  const Caller caller_;
  std::map<std::string, Known> known_;
};

// Subscribed, and reached by other processes where they can be reached. InvalidArgument: the channel is
// of an id that cannot be.
absl::StatusOr<std::unique_ptr<strata::EventSubscription>> follow(
    Service& service, const Call& call, const strata::EventChannel& channel) {
  if (absl::Status status = channel.check(); !status.ok()) return status;
  auto events = service.events->subscribe(channel, {.on_ready = call.request.wake});
  if (!events.ok()) return ours(events.status());
  // Where the others cannot be reached now, a gap will tell when they are.
  (*events)->waitUntilLive(strata::Deadline::in(kLiveTimeout)).IgnoreError();
  return events;
}

Response streamResponse(EventStream stream) {
  return {.stream = std::make_shared<EventStream>(std::move(stream))};
}

// `may_read` as it is asked for a stream: with a token, only as long as that counts.
std::unique_ptr<ReadRight> rightOf(const Service& service, const Call& call,
                                   std::function<absl::Status()> may_read) {
  ReadRightOptions options;
  if (call.expires) {
    options.life = *call.expires - absl::FromChrono(service.clock->wallTime());
  }
  return std::make_unique<ReadRight>(std::move(may_read), *service.clock, options);
}

absl::StatusOr<Response> followConversation(Service& service, const Call& call) {
  const std::string id = absl::AsciiStrToLower(call.arguments[0]);  // as it is published
  auto events = follow(service, call, strata::conversationEvents(call.caller.tenant_id, id));
  if (!events.ok()) return events.status();
  const auto may_read = [&service, caller = call.caller, id]() -> absl::Status {
    return service.conversations->getConversation(caller, id).status();
  };
  auto right = rightOf(service, call, may_read);  // no older than the question
  if (absl::Status status = may_read(); !status.ok()) return status;
  return streamResponse(
      {.events = *std::move(events),
       .first = ": live\n\n",
       .render = [caller = call.caller](
                     const EventDelivery& delivery) { return ofConversation(delivery, caller); },
       .right = std::move(right)});
}

absl::StatusOr<Response> followList(Service& service, const Call& call) {
  auto events = follow(service, call, strata::conversationListEvents(call.caller.tenant_id));
  if (!events.ok()) return events.status();
  // Each event carries its conversation as the store had it then, and is judged by that. What is asked
  // again is whether the reader's token counts, and the store answers.
  const auto may_read = [&service, caller = call.caller]() -> absl::Status {
    return service.conversations->listConversations(caller, {.limit = 1}).status();
  };
  auto right = rightOf(service, call, may_read);
  auto page = listConversations(*service.conversations, call);
  if (!page.ok()) return page.status();
  const auto reader = std::make_shared<ListReader>(call.caller, *page);
  return streamResponse(
      {.events = *std::move(events),
       .first = eventText("", names::kSnapshot, strata::encodeJson(*page)),
       .render = [reader](const EventDelivery& delivery) { return reader->render(delivery); },
       .right = std::move(right)});
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
