#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "strata/testing/conformance/conformance_values.h"

namespace strata::testing {

namespace {

constexpr std::string_view kNastyTexts[] = {
    "plain",
    "Plain",
    "a",
    "a:b",
    "a::b",
    ":",
    "::",
    "a%3Ab",
    "a%3ab",
    "a%253Ab",
    "%",
    "%%",
    "%00",
    "100%",
    "*",
    "a*b",
    "a_b",
    "a?b",
    "[a-z]",
    " ",
    "  ",
    "a b",
    "a+b",
    " a",
    "a ",
    "tab\there",
    "line\nhere",
    "a\r\nb",
    "\x01\x1f\x7f",
    "'",
    "\"",
    "''",
    "\\",
    "\\'",
    "`",
    "'; DROP TABLE strata_conformance_records; --",
    "$1",
    ":id",
    "?",
    "%s",
    "NULL",
    "null",
    "true",
    "0",
    "-1",
    "{a,b}",
    "{\"a\":1}",
    "a,b",
    "a/b",
    "../a",
    "{tag}a",
    "café",
    // The same text to the eye, spelt with a combining accent.
    "cafe\u0301",
    "世界",
    "🌍",
    "\u00a0",
    "\u2028",
};

}  // namespace

const std::vector<std::string>& nastyTexts() {
  static const auto* const texts = [] {
    auto* const made = new std::vector<std::string>(std::begin(kNastyTexts), std::end(kNastyTexts));
    made->push_back(std::string(1024, 'x'));
    made->push_back(std::string(1023, 'x') + "y");
    made->push_back(std::string(1024, ':'));
    return made;
  }();
  return *texts;
}

const std::vector<Id>& nastyPairs() {
  static const auto* const pairs = [] {
    auto* const made = new std::vector<Id>{
        {"a", "b:c"}, {"a:b", "c"}, {"a%3Ab", "c"}, {"a", "b%3Ac"}, {"a", "b"},
        {"b", "a"},   {"ab", "c"},  {"a", "bc"},    {":", "a"},     {"a", ":"},
        {"%", "%"},   {"a ", "b"},  {"a", " b"},
    };
    for (const std::string& text : nastyTexts()) {
      made->push_back(Id{text, "second"});
      made->push_back(Id{"first", text});
    }
    return made;
  }();
  return *pairs;
}

const std::vector<Id>& nastyIds() {
  static const auto* const ids = [] {
    auto* const made = new std::vector<Id>(nastyTexts().begin(), nastyTexts().end());
    made->insert(made->end(), nastyPairs().begin(), nastyPairs().end());
    made->push_back(Id{"a", "b", "c"});
    made->push_back(Id{"a:b:c"});
    return made;
  }();
  return *ids;
}

const std::vector<Id>& invalidIds() {
  using namespace std::string_view_literals;
  static const auto* const ids = new std::vector<Id>{
      Id(""sv),
      Id({"a"sv, ""sv}),
      Id({""sv, "a"sv}),
      Id("\0"sv),
      Id("nul\0byte"sv),
      Id({"a"sv, "\0"sv}),
      Id("\xC3\x28"sv),
      Id("\xFF"sv),
      // A surrogate half, and an overlong slash.
      Id("\xED\xA0\x80"sv),
      Id("\xC0\xAF"sv),
  };
  return *ids;
}

}  // namespace strata::testing
