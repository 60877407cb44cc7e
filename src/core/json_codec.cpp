#include "strata/core/json_codec.h"

#include <fmt/format.h>

#include <array>
#include <boost/json/monotonic_resource.hpp>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <utility>

#include "src/core/field_path.h"
#include "src/core/json_parser.h"
#include "src/core/scalars.h"
#include "strata/core/timestamp.h"

namespace strata {
namespace {

namespace json = boost::json;
using internal::FieldPath;

// ---- Writing ----

void appendEscape(char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
      break;
  }
}

void appendQuoted(std::string_view text, std::string& out) {
  out += '"';
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) >= ' ' && c != '"' && c != '\\') continue;
    out.append(text, copied, i - copied);
    appendEscape(c, out);
    copied = i + 1;
  }
  out.append(text, copied);
  out += '"';
}

template <typename Number>
void appendNumber(Number number, std::string& out) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

void appendFloating(const TypeInfo& type, const void* value, std::string& out) {
  // The shortest text that reads back as this very number, which for a float is shorter.
  if (type.kind == Kind::kFloat) return appendNumber(*static_cast<const float*>(value), out);
  appendNumber(*static_cast<const double*>(value), out);
}

void appendList(const TypeInfo& type, const void* value, std::string& out) {
  char separator = '[';
  type.list
      ->visit(value,
              [&](const void* element) {
                out += std::exchange(separator, ',');
                appendJson(type.element(), element, out);
                return absl::OkStatus();
              })
      .IgnoreError();  // the visitor above has none
  if (separator == '[') out += '[';
  out += ']';
}

void appendMap(const TypeInfo& type, const void* value, std::string& out) {
  char separator = '{';
  type.map
      ->visit(value,
              [&](std::string_view key, const void* element) {
                out += std::exchange(separator, ',');
                appendQuoted(key, out);
                out += ':';
                appendJson(type.element(), element, out);
                return absl::OkStatus();
              })
      .IgnoreError();  // the visitor above has none
  if (separator == '{') out += '{';
  out += '}';
}

void appendStruct(const TypeInfo& type, const void* value, std::string& out) {
  out += '{';
  bool first = true;
  for (const Field& field : type.fields) {
    if (!std::exchange(first, false)) out += ',';
    appendQuoted(field.name, out);
    out += ':';
    appendJson(field.type(), field.in(value), out);
  }
  out += '}';
}

// ---- Reading ----

absl::Status mismatch(const FieldPath& path, std::string_view expected) {
  return absl::DataLossError(fmt::format("{}: expected {}", path.text(), expected));
}

absl::Status read(const TypeInfo& type, const json::value& from, const FieldPath& path, void* to);

absl::Status readInteger(const TypeInfo& type, const json::value& from, const FieldPath& path,
                         void* to) {
  if (const std::int64_t* number = from.if_int64()) {
    if (internal::setSigned(type.kind, *number, to)) return absl::OkStatus();
    return mismatch(path, "an integer in range");
  }
  if (const std::uint64_t* number = from.if_uint64()) {
    if (internal::setUnsigned(type.kind, *number, to)) return absl::OkStatus();
    return mismatch(path, "an integer in range");
  }
  return mismatch(path, "an integer");
}

absl::Status readFloating(const TypeInfo& type, const json::value& from, const FieldPath& path,
                          void* to) {
  if (!from.is_number()) return mismatch(path, "a number");
  json::error_code error;
  const auto number = from.to_number<double>(error);
  if (error || !std::isfinite(number) || !internal::setFloating(type.kind, number, to)) {
    return mismatch(path, "a number in range");
  }
  return absl::OkStatus();
}

absl::Status readText(const TypeInfo& type, const json::value& from, const FieldPath& path,
                      void* to) {
  const json::string* text = from.if_string();
  if (text == nullptr) return mismatch(path, "a string");
  const std::string_view view(text->data(), text->size());
  if (type.kind == Kind::kString) {
    static_cast<std::string*>(to)->assign(view);
    return absl::OkStatus();
  }
  if (type.kind == Kind::kEnum) {
    if (internal::setEnumName(type, view, to)) return absl::OkStatus();
    return mismatch(path, "one of the names of its enum");
  }
  const std::optional<Timestamp> time = parseTimestamp(view);
  if (!time) return mismatch(path, "an RFC 3339 time");
  *static_cast<Timestamp*>(to) = *time;
  return absl::OkStatus();
}

absl::Status readList(const TypeInfo& type, const json::value& from, const FieldPath& path,
                      void* to) {
  const json::array* array = from.if_array();
  if (array == nullptr) return mismatch(path, "an array");
  type.list->clear(to);
  std::size_t index = 0;
  for (const json::value& element : *array) {
    const FieldPath at(path, index++);
    absl::Status status = type.list->append(
        to, [&](void* filled) { return read(type.element(), element, at, filled); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status readMap(const TypeInfo& type, const json::value& from, const FieldPath& path,
                     void* to) {
  const json::object* object = from.if_object();
  if (object == nullptr) return mismatch(path, "an object");
  type.map->clear(to);
  // An entry is named by its position: its key is data, which no message shows.
  std::size_t index = 0;
  for (const auto& member : *object) {
    const FieldPath at(path, index++);
    const std::string_view key(member.key().data(), member.key().size());
    absl::Status status = type.map->insert(
        to, key, [&](void* filled) { return read(type.element(), member.value(), at, filled); });
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status readStruct(const TypeInfo& type, const json::value& from, const FieldPath& path,
                        void* to) {
  const json::object* object = from.if_object();
  if (object == nullptr) return mismatch(path, "an object");
  for (const Field& field : type.fields) {
    const json::value* member = object->if_contains({field.name.data(), field.name.size()});
    if (member == nullptr) continue;
    const FieldPath at(path, field.name);
    if (absl::Status status = read(field.type(), *member, at, field.address(to)); !status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status read(const TypeInfo& type, const json::value& from, const FieldPath& path, void* to) {
  if (type.kind == Kind::kOptional) {
    if (!from.is_null()) return read(type.element(), from, path, type.optional->emplace(to));
    type.optional->reset(to);
    return absl::OkStatus();
  }
  if (from.is_null()) return absl::OkStatus();
  if (internal::isInteger(type.kind)) return readInteger(type, from, path, to);
  if (internal::isFloating(type.kind)) return readFloating(type, from, path, to);
  switch (type.kind) {
    case Kind::kList:
      return readList(type, from, path, to);
    case Kind::kMap:
      return readMap(type, from, path, to);
    case Kind::kStruct:
      return readStruct(type, from, path, to);
    case Kind::kBool:
      if (!from.is_bool()) return mismatch(path, "true or false");
      *static_cast<bool*>(to) = from.get_bool();
      return absl::OkStatus();
    default:
      return readText(type, from, path, to);
  }
}

}  // namespace

void appendJson(const TypeInfo& type, const void* value, std::string& out) {
  if (internal::isUnsigned(type.kind)) {
    return appendNumber(internal::getUnsigned(type.kind, value), out);
  }
  if (internal::isInteger(type.kind)) {
    return appendNumber(internal::getSigned(type.kind, value), out);
  }
  if (internal::isFloating(type.kind)) return appendFloating(type, value, out);
  switch (type.kind) {
    case Kind::kBool:
      out += *static_cast<const bool*>(value) ? "true" : "false";
      break;
    case Kind::kString:
      appendQuoted(*static_cast<const std::string*>(value), out);
      break;
    case Kind::kTimestamp:
      appendQuoted(formatTimestamp(*static_cast<const Timestamp*>(value)), out);
      break;
    case Kind::kEnum:
      appendQuoted(internal::getEnumName(type, value).value_or(""), out);
      break;
    case Kind::kOptional: {
      const void* element = type.optional->get(value);
      if (element == nullptr) {
        out += "null";
      } else {
        appendJson(type.element(), element, out);
      }
      break;
    }
    case Kind::kList:
      appendList(type, value, out);
      break;
    case Kind::kMap:
      appendMap(type, value, out);
      break;
    default:
      appendStruct(type, value, out);
      break;
  }
}

absl::Status readJson(const TypeInfo& type, std::string_view text, void* value) {
  // Most records are parsed without a single allocation for the tree in between.
  std::array<unsigned char, 4096> buffer;
  json::monotonic_resource memory(buffer.data(), buffer.size());
  const std::optional<json::value> parsed = internal::parseJson(text, &memory);
  if (!parsed) return absl::DataLossError("not JSON");
  return read(type, *parsed, FieldPath(), value);
}

}  // namespace strata
