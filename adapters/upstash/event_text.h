// How events look in the stream of /psubscribe, without I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"

namespace strata::internal {

// A payload as it is published: as it is where it looks like an event, so that whoever speaks Redis's
// own protocol reads it too; else in base64 behind a mark. The stream's lines hold any of them.
std::string publishedText(std::string payload);
// The payload; none: it is not what publishedText makes.
std::optional<std::string> payloadOfText(std::string_view text);

// What matches exactly the names that begin with `prefix`.
std::string patternOfPrefix(std::string_view prefix);

// `segment` of a path, percent-encoded.
std::string pathSegment(std::string_view segment);

// "psubscribe,PATTERN,1": from here on nothing is missed.
bool isConfirmation(std::string_view data, std::string_view pattern);

struct StreamedEvent {
  std::string_view channel;
  std::string_view text;  // of publishedText
};
// What "pmessage,PATTERN,CHANNEL,TEXT" tells, if it is of a channel that is wanted. Channels may hold
// commas: the longest that fits is meant.
std::optional<StreamedEvent> parseStreamed(std::string_view data, std::string_view pattern,
                                           absl::FunctionRef<bool(std::string_view)> is_wanted);

}  // namespace strata::internal
