// What stands in the bodies of requests and answers: Redis commands and replies as JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace strata::internal {

// The words of a Redis command, in UTF-8 (see upstash_text.h).
using UpstashCommand = std::vector<std::string>;

// A nil, an integer, a text, or an array of texts and nils. Texts are as they are stored. What SCAN
// answers, a text and an array, is taken for one array.
using UpstashReply = std::variant<std::monostate, std::int64_t, std::string,
                                  std::vector<std::optional<std::string>>>;
// The reply to each command, or the status of the error that it was answered with.
using UpstashReplies = std::vector<absl::StatusOr<UpstashReply>>;

// The body of a request: one command for the path "/", several for "/pipeline".
std::string upstashRequestBody(absl::Span<const UpstashCommand> commands);

// What the body of an answer says, where the request asked for texts in base64. Internal: it is not
// what the API answers to `count` commands.
absl::StatusOr<UpstashReplies> parseUpstashReplies(std::string_view body, std::size_t count);

// The text of {"error": "…"}; empty when the body is something else.
std::string upstashErrorText(std::string_view body);

}  // namespace strata::internal
