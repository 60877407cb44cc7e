// Pieces of URLs, and how messages name them without telling a secret.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace strata::internal {

// Cuts `text` at the first `delimiter` and returns what follows it; none when there is no such.
std::optional<std::string_view> cutAt(std::string_view& text, char delimiter);

// None: a '%' without two hex digits after it, or an encoded NUL.
std::optional<std::string> percentDecoded(std::string_view text);

// Without the white space at its ends, which a line break in a file or a secret leaves there.
std::string_view trimmed(std::string_view text);
constexpr std::string_view kOuterWhiteSpace =
    "has white space at its beginning or end (a line break in the file or secret it comes from?)";

// A name that other tools have for something, and what to write instead.
struct ForeignName {
  std::string_view name;
  std::string_view advice;
};

// Why a parameter is refused. It is named if it is an identifier and cannot be a piece of a
// password: one with a '?' in it that was not percent-encoded still has its '@' in the `query`.
std::string unknownParameter(std::string_view name, std::string_view query,
                             absl::Span<const ForeignName> foreign);

// What to write instead of the scheme of `url`; empty when `foreign` does not know it. Each of its
// names is a whole scheme, or ends with '+' and is what one begins with.
std::string foreignScheme(std::string_view url, absl::Span<const ForeignName> foreign);

}  // namespace strata::internal
