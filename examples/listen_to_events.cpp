// A process that publishes what goes on in a conversation, and one that listens. With REDIS_URL or
// DATABASE_URL set they may be two; here they are one.
#include <cstdlib>
#include <iostream>
#include <string_view>

#include "strata/factories/app.h"
#include "strata/factories/config.h"
#include "strata/factories/event_hub_factory.h"
#include "strata/stores/conversations/conversation_events.h"

namespace {

namespace names = strata::conversation_event_names;

constexpr absl::Duration kPatience = absl::Seconds(5);

// Whoever shows the conversation to somebody.
int show(strata::EventSubscription& events) {
  int shown = 0;
  while (true) {
    auto told = events.next(strata::Deadline::in(kPatience));
    if (!told.ok()) return shown;  // nothing for a while, or the hub has ended
    if (told->event == nullptr) {
      std::cout << "something was missed: read the conversation from its store\n";
      continue;
    }
    std::cout << told->event->name << " " << told->event->data.text() << "\n";
    ++shown;
    if (told->event->name == names::kDone) return shown;
  }
}

}  // namespace

int main() {
  const auto config = strata::configFromEnv();
  if (!config.ok()) return EXIT_FAILURE;
  auto hub = strata::createEventHub(strata::withDomainApp(*config));
  if (!hub.ok()) {
    std::cerr << hub.status() << "\n";
    return EXIT_FAILURE;
  }

  const strata::EventChannel channel = strata::conversationEvents("acme", "c-42");
  auto events = (*hub)->subscribe(channel);
  if (!events.ok()) return EXIT_FAILURE;
  // From here on nothing of others is missed unnoticed: now read the conversation from its store.
  if (!(*events)->waitUntilLive(strata::Deadline::in(kPatience)).ok()) return EXIT_FAILURE;

  const auto text = strata::Json::parse(R"({"text": "hello"})");
  if (!(*hub)->publish(channel, names::kMessage, *text).ok()) return EXIT_FAILURE;
  if (!(*hub)->publish(channel, names::kDone, {}).ok()) return EXIT_FAILURE;
  return show(**events) == 2 ? EXIT_SUCCESS : EXIT_FAILURE;
}
