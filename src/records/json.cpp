#include "strata/records/json.h"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "absl/status/status.h"
#include "src/records/json_capture.h"

namespace strata {
namespace {

namespace json = boost::json;

// What json::basic_parser calls. A string comes in parts when it has escapes; a number is whole,
// because the text is.
class Handler {
 public:
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;
  using Error = json::error_code;
  using View = json::string_view;

  internal::JsonCapture& capture() { return capture_; }

  bool on_document_begin(Error&) { return true; }
  bool on_document_end(Error&) { return true; }
  bool on_object_begin(Error&) { return capture_.openObject(), true; }
  bool on_object_end(std::size_t, Error&) { return capture_.closeObject(), true; }
  bool on_array_begin(Error&) { return capture_.openArray(), true; }
  bool on_array_end(std::size_t, Error&) { return capture_.closeArray(), true; }
  bool on_key_part(View text, std::size_t, Error&) { return held_.append(text), true; }
  bool on_key(View text, std::size_t, Error&) {
    capture_.key(held_.append(text));
    return held_.clear(), true;
  }
  bool on_string_part(View text, std::size_t, Error&) { return held_.append(text), true; }
  bool on_string(View text, std::size_t, Error&) {
    capture_.string(held_.append(text));
    return held_.clear(), true;
  }
  bool on_number_part(View, Error&) { return true; }
  bool on_int64(std::int64_t number, View, Error&) { return capture_.integer(number), true; }
  bool on_uint64(std::uint64_t number, View, Error&) { return capture_.integer(number), true; }
  bool on_double(double, View text, Error&) { return capture_.number(text), true; }
  bool on_bool(bool value, Error&) { return capture_.boolean(value), true; }
  bool on_null(Error&) { return capture_.null(), true; }
  bool on_comment_part(View, Error&) { return true; }
  bool on_comment(View, Error&) { return true; }

 private:
  std::string held_;
  internal::JsonCapture capture_;
};

absl::Status expected(std::string_view wanted) {
  return absl::InvalidArgumentError(fmt::format("expected {}", wanted));
}

}  // namespace

absl::StatusOr<Json> Json::parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = internal::JsonCapture::kMaxLevels;
  json::basic_parser<Handler> parser(options);
  json::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (error == json::error::too_deep) return expected(internal::JsonCapture::kTooDeep);
  if (error || used != text.size()) return absl::InvalidArgumentError("not JSON");
  internal::JsonCapture& capture = parser.handler().capture();
  if (!capture.wanted().empty()) return expected(capture.wanted());
  return capture.take();
}

}  // namespace strata
