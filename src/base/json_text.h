#pragma once

#include <string>
#include <string_view>

namespace strata::internal {

// `text`, which is UTF-8, as a JSON string with its quotes.
void appendQuotedJson(std::string_view text, std::string& out);

}  // namespace strata::internal
