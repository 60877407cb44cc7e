// readJson: Boost.JSON's parser drives a handler that writes straight into the value.
//
// Boost.JSON 1.81's own parse() rounds: 29 % of random doubles came back changed in their last bits
// (1 000 000 written with std::to_chars and parsed); the handler reads them with std::from_chars.
// And its tree costs as much as all the rest: an allocation for every key, and a second walk.
#include <fmt/format.h>

#include <array>
#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "src/records/field_path.h"
#include "src/records/json_capture.h"
#include "src/records/scalars.h"
#include "strata/base/timestamp.h"
#include "strata/records/json.h"
#include "strata/records/json_codec.h"

namespace strata {
namespace {

namespace json = boost::json;
using internal::FieldPath;

// Deep enough for any record; what is open at once has its place in a fixed array.
constexpr std::size_t kMaxDepth = 200;

// Where a value goes: nowhere without a type, to the end of the open list without an address.
struct Place {
  const TypeInfo* type = nullptr;
  void* address = nullptr;
};

// A struct, map or list whose end has not come yet.
struct Open {
  const TypeInfo* type;
  void* value;
  // What comes next, if all goes in order: a field of the struct, a position in the others.
  std::size_t next;
};

std::string_view expectedOf(Kind kind) {
  if (internal::isInteger(kind)) return "an integer";
  if (internal::isFloating(kind)) return "a number";
  if (kind == Kind::kBool) return "true or false";
  if (kind == Kind::kList) return "an array";
  return kind == Kind::kMap || kind == Kind::kStruct ? "an object" : "a string";
}

// An entry of a map is named by its position: its key is data, which no message shows.
std::string pathText(std::span<const Open> opened, const FieldPath& path) {
  if (opened.empty()) return path.text();
  const auto& [type, value, next] = opened.front();
  const std::size_t current = next - 1;
  return pathText(opened.subspan(1), type->kind == Kind::kStruct
                                         ? FieldPath(path, type->fields[current].name)
                                         : FieldPath(path, current));
}

// What json::basic_parser calls. Every event returns true, "go on", even once a value has been
// refused: whether the text is JSON at all is said first. The text comes in one piece, so a number
// is always whole; a string comes in parts when it has escapes. What lies within a Json is ignored
// like a member that nobody knows, but for being captured.
class Reader {
 public:
  static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
  static constexpr std::size_t max_array_size = max_object_size;
  static constexpr std::size_t max_key_size = max_object_size;
  static constexpr std::size_t max_string_size = max_object_size;

  Reader(const TypeInfo& type, void* value) : pending_{&type, value} {}

  absl::Status takeStatus() { return std::move(status_); }

  bool on_document_begin(json::error_code&) { return true; }
  bool on_document_end(json::error_code&) { return true; }
  bool on_object_begin(json::error_code&) {
    const Place place = take();
    if (isCaptured(place)) capture_.openObject();
    return open(place, [](Kind kind) { return kind == Kind::kStruct || kind == Kind::kMap; });
  }
  bool on_array_begin(json::error_code&) {
    const Place place = take();
    if (isCaptured(place)) capture_.openArray();
    return open(place, [](Kind kind) { return kind == Kind::kList; });
  }
  bool on_object_end(std::size_t, json::error_code&) {
    if (captured_ != nullptr) capture_.closeObject();
    return close();
  }
  bool on_array_end(std::size_t, json::error_code&) {
    if (captured_ != nullptr) capture_.closeArray();
    return close();
  }
  bool on_key_part(json::string_view text, std::size_t, json::error_code&) { return hold(text); }
  bool on_key(json::string_view text, std::size_t, json::error_code&) {
    if (isIgnoring()) return captureKey(text);
    Open& object = opened_[depth_ - 1];
    pending_ = object.type->kind == Kind::kStruct ? member(object, whole(text))
                                                  : entry(object, whole(text));
    held_.clear();
    return true;
  }
  bool on_string_part(json::string_view text, std::size_t, json::error_code&) { return hold(text); }
  bool on_string(json::string_view text, std::size_t, json::error_code&) {
    const Place place = take();
    if (isCaptured(place)) {
      capture_.string(whole(text));
      endCaptured();
    } else if (place.type != nullptr) {
      setText(place, text);
    }
    held_.clear();
    return true;
  }
  bool on_number_part(json::string_view, json::error_code&) { return true; }
  bool on_int64(std::int64_t number, json::string_view, json::error_code&) {
    return setInteger(number, internal::setSigned);
  }
  bool on_uint64(std::uint64_t number, json::string_view, json::error_code&) {
    return setInteger(number, internal::setUnsigned);
  }
  bool on_double(double rounded, json::string_view text, json::error_code&) {
    const Place place = take();
    if (isCaptured(place)) return capture_.number(text), endCaptured();
    if (place.type == nullptr) return true;
    if (!internal::isFloating(place.type->kind)) return refuse(expectedOf(place.type->kind));
    double exact = rounded;  // stays an infinity where the number is beyond a double
    std::from_chars(text.data(), text.data() + text.size(), exact);
    return setFloating(place, exact);
  }
  bool on_bool(bool value, json::error_code&) {
    const Place place = take();
    if (isCaptured(place)) return capture_.boolean(value), endCaptured();
    if (place.type == nullptr) return true;
    if (place.type->kind != Kind::kBool) return refuse(expectedOf(place.type->kind));
    if (place.address == nullptr) return appendBit(value);
    *static_cast<bool*>(place.address) = value;
    return true;
  }
  // Resets an optional and leaves anything else as it is.
  bool on_null(json::error_code&) {
    const Place place = next();
    if (captured_ != nullptr) capture_.null();
    if (place.type == nullptr) return true;
    if (place.type->kind == Kind::kOptional) place.type->optional->reset(place.address);
    return place.address == nullptr ? appendBit(false) : true;
  }
  bool on_comment_part(json::string_view, json::error_code&) { return true; }
  bool on_comment(json::string_view, json::error_code&) { return true; }

 private:
  bool isIgnoring() const { return ignored_ > 0 || !status_.ok(); }

  // Where the value that begins now goes.
  Place next() {
    if (isIgnoring()) return {};
    if (depth_ == 0 || opened_[depth_ - 1].type->kind != Kind::kList) return pending_;
    Open& list = opened_[depth_ - 1];
    ++list.next;
    const auto extend = list.type->list->extend;
    return {&list.type->element(), extend == nullptr ? nullptr : extend(list.value)};
  }

  // The same for a value that is not null.
  Place take() {
    const Place place = next();
    if (place.type == nullptr || place.type->kind != Kind::kOptional) return place;
    return {&place.type->element(), place.type->optional->emplace(place.address)};
  }

  template <typename Fits>
  bool open(const Place& place, Fits fits) {
    if (place.type == nullptr || !fits(place.type->kind)) {
      ++ignored_;
      return place.type == nullptr || captured_ != nullptr || refuse(expectedOf(place.type->kind));
    }
    if (place.type->kind == Kind::kList) place.type->list->clear(place.address);
    if (place.type->kind == Kind::kMap) place.type->map->clear(place.address);
    opened_[depth_++] = {place.type, place.address, 0};
    return true;
  }

  bool close() {
    --(ignored_ > 0 ? ignored_ : depth_);
    return captured_ == nullptr || endCaptured();
  }

  // Whether what comes at `place` is a Json or within one.
  bool isCaptured(const Place& place) {
    if (place.type != nullptr && place.type->kind == Kind::kJson) {
      captured_ = static_cast<Json*>(place.address);
    }
    return captured_ != nullptr;
  }

  bool captureKey(std::string_view rest) {
    if (captured_ != nullptr) capture_.key(whole(rest));
    held_.clear();
    return true;
  }

  // After something that was captured: with the last of it the Json ends.
  bool endCaptured() {
    if (ignored_ > 0) return true;
    Json& json = *std::exchange(captured_, nullptr);
    if (!capture_.wanted().empty()) return refuse(capture_.wanted());
    json = capture_.take();
    return true;
  }

  // The field after the last one is tried first: records are written in the order of their fields.
  static Place member(Open& object, std::string_view name) {
    const std::span<const Field> fields = object.type->fields;
    std::size_t i = object.next;
    if (i >= fields.size() || fields[i].name != name) {
      for (i = 0; i < fields.size() && fields[i].name != name;) ++i;
    }
    if (i == fields.size()) return {};
    object.next = i + 1;
    return {&fields[i].type(), fields[i].address(object.value)};
  }

  static Place entry(Open& map, std::string_view key) {
    ++map.next;
    return {&map.type->element(), map.type->map->emplace(map.value, key)};
  }

  bool hold(std::string_view part) {
    if (captured_ != nullptr || !isIgnoring()) held_.append(part);
    return true;
  }

  // A text of which `rest` is all or the last part.
  std::string_view whole(std::string_view rest) {
    return held_.empty() ? rest : std::string_view(held_.append(rest));
  }

  bool setText(const Place& place, std::string_view rest) {
    const TypeInfo& type = *place.type;
    const std::string_view text = whole(rest);
    if (type.kind == Kind::kString) {
      auto& to = *static_cast<std::string*>(place.address);
      if (held_.empty()) return to.assign(text), true;
      to = std::move(held_);
      return true;
    }
    if (type.kind == Kind::kEnum) {
      return internal::setEnumName(type, text, place.address) ||
             refuse("one of the names of its enum");
    }
    if (type.kind != Kind::kTimestamp) return refuse(expectedOf(type.kind));
    const std::optional<Timestamp> time = parseTimestamp(text);
    if (!time) return refuse("an RFC 3339 time");
    *static_cast<Timestamp*>(place.address) = *time;
    return true;
  }

  template <typename Number>
  bool setInteger(Number number, bool (*set)(Kind, Number, void*)) {
    const Place place = take();
    if (isCaptured(place)) return capture_.integer(number), endCaptured();
    if (place.type == nullptr) return true;
    const Kind kind = place.type->kind;
    if (internal::isFloating(kind)) return setFloating(place, static_cast<double>(number));
    if (!internal::isInteger(kind)) return refuse(expectedOf(kind));
    return set(kind, number, place.address) || refuse("an integer in range");
  }

  bool setFloating(const Place& place, double number) {
    const bool fits =
        std::isfinite(number) && internal::setFloating(place.type->kind, number, place.address);
    return fits || refuse("a number in range");
  }

  bool appendBit(bool bit) {
    const Open& list = opened_[depth_ - 1];
    const auto set = [bit](void* element) {
      *static_cast<bool*>(element) = bit;
      return absl::OkStatus();
    };
    list.type->list->append(list.value, set).IgnoreError();  // `set` has none
    return true;
  }

  bool refuse(std::string_view expected) {
    const std::span<const Open> opened(opened_.data(), depth_);
    status_ = absl::DataLossError(
        fmt::format("{}: expected {}", pathText(opened, FieldPath()), expected));
    return true;
  }

  absl::Status status_;
  Place pending_;             // the root's place, and after a key that of its value
  std::string held_;          // the parts that came of a key or string whose end has not come
  std::size_t ignored_ = 0;   // how many open containers are ignored
  std::size_t depth_ = 0;     // how many are not
  Json* captured_ = nullptr;  // the Json whose end has not come
  internal::JsonCapture capture_;
  std::array<Open, kMaxDepth> opened_;
};

}  // namespace

absl::Status readJson(const TypeInfo& type, std::string_view text, void* value) {
  json::parse_options options;
  options.max_depth = kMaxDepth;
  json::basic_parser<Reader> parser(options, type, value);
  json::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (error || used != text.size()) return absl::DataLossError("not JSON");
  return parser.handler().takeStatus();
}

}  // namespace strata
