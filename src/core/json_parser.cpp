#include "src/core/json_parser.h"

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace strata::internal {
namespace {

namespace json = boost::json;

// What json::basic_parser calls. The text comes in one piece, so a number's text is always whole.
struct Handler {
  static constexpr std::size_t max_object_size = json::object::max_size();
  static constexpr std::size_t max_array_size = json::array::max_size();
  static constexpr std::size_t max_key_size = json::string::max_size();
  static constexpr std::size_t max_string_size = json::string::max_size();

  explicit Handler(json::storage_ptr storage) : stack(std::move(storage)) { stack.reset(); }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) { return true; }
  bool on_array_begin(json::error_code&) { return true; }
  bool on_object_end(std::size_t n, json::error_code&) { return stack.push_object(n), true; }
  bool on_array_end(std::size_t n, json::error_code&) { return stack.push_array(n), true; }
  bool on_key_part(json::string_view text, std::size_t, json::error_code&) {
    return stack.push_chars(text), true;
  }
  bool on_key(json::string_view text, std::size_t, json::error_code&) {
    return stack.push_key(text), true;
  }
  bool on_string_part(json::string_view text, std::size_t, json::error_code&) {
    return stack.push_chars(text), true;
  }
  bool on_string(json::string_view text, std::size_t, json::error_code&) {
    return stack.push_string(text), true;
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, json::error_code&) {
    return stack.push_int64(number), true;
  }
  bool on_uint64(std::uint64_t number, json::string_view, json::error_code&) {
    return stack.push_uint64(number), true;
  }
  bool on_double(double rounded, json::string_view text, json::error_code&) {
    double exact = rounded;  // stays an infinity where the number is beyond a double
    std::from_chars(text.data(), text.data() + text.size(), exact);
    return stack.push_double(exact), true;
  }
  bool on_bool(bool value, json::error_code&) { return stack.push_bool(value), true; }
  bool on_null(json::error_code&) { return stack.push_null(), true; }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

  json::value_stack stack;
};

// Deep enough for any record, shallow enough for the stack of the functions that walk it.
constexpr std::size_t kMaxDepth = 200;

}  // namespace

std::optional<json::value> parseJson(std::string_view text, json::storage_ptr storage) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::basic_parser<Handler> parser(options, std::move(storage));
  json::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (error || used != text.size()) return std::nullopt;
  return parser.handler().stack.release();
}

}  // namespace strata::internal
