#include "stores/base/text_limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "src/records/jsonb_text.h"
#include "strata/records/json.h"
#include "strata/records/json_codec.h"

namespace strata::internal {
namespace {

// Most JSON is so short that it need not be looked into.
std::size_t jsonSize(std::string_view json, std::size_t limit) {
  return json.size() > limit / kMostJsonbGrowth ? jsonbTextSize(json) : json.size();
}

// Exact where it is above the limit.
std::size_t sizeOf(const TypeInfo& type, const void* value, std::size_t limit) {
  switch (type.kind) {
    case Kind::kOptional: {
      const void* const element = type.optional->get(value);
      return element == nullptr ? 0 : sizeOf(type.element(), element, limit);
    }
    case Kind::kString:
      return static_cast<const std::string*>(value)->size();
    case Kind::kJson:
      return jsonSize(static_cast<const Json*>(value)->text(), limit);
    default: {
      std::string json;
      appendJson(type, value, json);
      return jsonSize(json, limit);
    }
  }
}

}  // namespace

absl::Status checkTextLengths(const TypeInfo& type, const void* record,
                              absl::Span<const TextLimit> limits) {
  for (const TextLimit& limit : limits) {
    const auto field = std::ranges::find(type.fields, limit.field, &Field::name);
    const std::size_t size = sizeOf(field->type(), field->in(record), limit.bytes);
    if (size <= limit.bytes) continue;
    return absl::InvalidArgumentError(fmt::format(
        "{} has {} bytes, more than the {} that it may have", limit.field, size, limit.bytes));
  }
  return absl::OkStatus();
}

}  // namespace strata::internal
