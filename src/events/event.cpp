#include "strata/events/event.h"

#include <fmt/format.h>

#include <algorithm>

#include "strata/base/status.h"
#include "strata/events/event_hub.h"

namespace strata {
namespace {

bool isKind(std::string_view kind) {
  return !kind.empty() && std::all_of(kind.begin(), kind.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

absl::Status check(std::string_view kind, const Id& id) {
  if (isKind(kind)) return annotate(id.check(), "event channel");
  return absl::InvalidArgumentError(
      "event channel: its kind must be of lower-case letters, digits, '-' and '_'");
}

}  // namespace

EventChannel::EventChannel(std::string_view kind, const Id& id)
    : name_(fmt::format("{}:{}", kind, id.canonical())), status_(strata::check(kind, id)) {}

std::string_view toString(EventGap::Reason reason) {
  switch (reason) {
    case EventGap::Reason::kSlow:
      return "slow";
    case EventGap::Reason::kDisconnected:
      return "disconnected";
    case EventGap::Reason::kSequence:
      return "sequence";
  }
  return "unknown";
}

}  // namespace strata
