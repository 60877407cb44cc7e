// Described types as JSON, the form in which nested parts are stored and values are cached.
//
//   std::string text = encodeJson(flag);
//   absl::StatusOr<FeatureFlag> flag = decodeJson<FeatureFlag>(text);
//
// A struct is an object with a member per field, in the order of the description; an empty optional
// is null; a Timestamp is "2026-01-31T23:59:59.123456Z"; a Json is its own text, in place; numbers
// are written so that they read back exactly.
//
// Reading is lenient towards other versions of the same type: an absent member keeps its default
// (and so does a null one that is no optional), an unknown one is ignored. A wrong type or a number
// out of range is DataLoss that names the member, never its value.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/records/described.h"
#include "strata/records/internal/type_info.h"

namespace strata {

// `value` must have passed `validate`: what is not text or not a finite number has no JSON.
void appendJson(const TypeInfo& type, const void* value, std::string& out);
// Reads over `value`, which the caller has filled with defaults. On an error it is half-read.
absl::Status readJson(const TypeInfo& type, std::string_view json, void* value);

template <typename T>
std::string encodeJson(const T& value) {
  std::string json;
  appendJson(typeInfo<T>(), &value, json);
  return json;
}

template <typename T>
absl::StatusOr<T> decodeJson(std::string_view json) {
  T value{};
  if (absl::Status status = readJson(typeInfo<T>(), json, &value); !status.ok()) return status;
  return value;
}

}  // namespace strata
