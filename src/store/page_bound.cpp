#include "src/store/page_bound.h"

#include <fmt/format.h>

#include <string>

#include "absl/strings/cord.h"
#include "src/records/jsonb_text.h"
#include "src/records/scalars.h"
#include "strata/records/json.h"
#include "strata/records/json_codec.h"

namespace strata {
namespace {

constexpr const char* kMark = "strata/page_too_large";

}  // namespace

bool isPageTooLarge(const absl::Status& status) { return status.GetPayload(kMark).has_value(); }

namespace internal {
namespace {

std::size_t bytesOf(const TypeInfo& type, const void* value) {
  switch (type.kind) {
    case Kind::kOptional: {
      const void* const element = type.optional->get(value);
      return element == nullptr ? 0 : bytesOf(type.element(), element);
    }
    case Kind::kString:
      return static_cast<const std::string*>(value)->size();
    case Kind::kEnum:
      return getEnumName(type, value).value_or("").size();
    case Kind::kJson:
      return jsonbTextSize(static_cast<const Json*>(value)->text());
    case Kind::kList:
    case Kind::kMap:
    case Kind::kStruct: {
      std::string json;
      appendJson(type, value, json);
      return jsonbTextSize(json);
    }
    default:
      return 0;
  }
}

}  // namespace

absl::Status pageTooLarge() {
  absl::Status status = absl::ResourceExhaustedError(
      fmt::format("the records asked for have more than {} MiB of text, the most of one page: ask "
                  "for fewer at a time",
                  kMaxPageBytes >> 20));
  status.SetPayload(kMark, absl::Cord("1"));
  return status;
}

std::size_t pageBytes(const TypeInfo& type, const void* record) {
  std::size_t bytes = 0;
  for (const Field& field : type.fields) bytes += bytesOf(field.type(), field.in(record));
  return bytes;
}

}  // namespace internal
}  // namespace strata
