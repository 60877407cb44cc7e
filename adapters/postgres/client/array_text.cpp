#include "adapters/postgres/client/array_text.h"

#include <utility>

namespace strata::postgres {

void ArrayText::append(std::string_view element) {
  text_ += text_.size() == 1 ? "\"" : ",\"";
  for (char c : element) {
    if (c == '"' || c == '\\') text_ += '\\';
    text_ += c;
  }
  text_ += '"';
}

std::string ArrayText::take() {
  std::string array = std::move(text_);
  array += '}';
  text_.assign(1, '{');
  return array;
}

}  // namespace strata::postgres
