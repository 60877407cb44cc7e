// What the tests of event hubs have in common.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "strata/events/event_hub.h"

namespace strata {

inline Json numbered(std::int64_t number) { return Json::parse(std::to_string(number)).value(); }

// "message 3 = 7": the third of its hub on its channel, with the data 7. "gap slow 2".
inline std::string textOf(const EventDelivery& delivery) {
  if (delivery.event == nullptr) {
    return "gap " + std::string(toString(delivery.gap.reason)) + " " +
           std::to_string(delivery.gap.missed);
  }
  return delivery.event->name + " " + std::to_string(delivery.event->sequence) + " = " +
         delivery.event->data.text();
}

// What is there, without waiting.
inline std::vector<std::string> taken(EventSubscription& events) {
  std::vector<std::string> all;
  while (const auto delivery = events.tryNext()) all.push_back(textOf(*delivery));
  return all;
}

// The next `count`, waiting for each.
inline std::vector<std::string> awaited(EventSubscription& events, std::size_t count) {
  std::vector<std::string> all;
  while (all.size() < count) {
    const auto delivery = events.next(Deadline::in(absl::Seconds(20)));
    all.push_back(delivery.ok() ? textOf(*delivery) : delivery.status().ToString());
    if (!delivery.ok()) break;
  }
  return all;
}

}  // namespace strata
