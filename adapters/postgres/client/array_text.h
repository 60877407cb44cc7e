// Array literals: how many values travel in one bound parameter.
#pragma once

#include <string>
#include <string_view>

namespace strata::postgres {

// Builds the text of a one-dimensional PostgreSQL array: {"a","b \"c\""}. Every element is quoted,
// so that nothing in one (a comma, a brace, the word NULL, nothing at all) means anything.
class ArrayText {
 public:
  void append(std::string_view element);
  // The array so far; the builder is empty afterwards.
  std::string take();

 private:
  std::string text_ = "{";
};

}  // namespace strata::postgres
