// Writing; readJson is in json_reader.cpp.
#include "strata/records/json_codec.h"

#include <array>
#include <charconv>
#include <utility>

#include "src/base/json_text.h"
#include "src/records/scalars.h"
#include "strata/base/timestamp.h"
#include "strata/records/json.h"

namespace strata {
namespace {

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
                internal::appendQuotedJson(key, out);
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
    internal::appendQuotedJson(field.name, out);
    out += ':';
    appendJson(field.type(), field.in(value), out);
  }
  out += '}';
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
      internal::appendQuotedJson(*static_cast<const std::string*>(value), out);
      break;
    case Kind::kTimestamp:
      internal::appendQuotedJson(formatTimestamp(*static_cast<const Timestamp*>(value)), out);
      break;
    case Kind::kEnum:
      internal::appendQuotedJson(internal::getEnumName(type, value).value_or(""), out);
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
    case Kind::kJson:
      out += static_cast<const Json*>(value)->text();
      break;
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

}  // namespace strata
