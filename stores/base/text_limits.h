#pragma once

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "strata/records/described.h"
#include "strata/records/text_limits.h"

namespace strata::internal {

// InvalidArgument, naming field, length and limit: a text of the record is longer than its limit.
absl::Status checkTextLengths(const TypeInfo& type, const void* record,
                              absl::Span<const TextLimit> limits);

template <typename T>
absl::Status checkTexts(const T& record) {
  return checkTextLengths(typeInfo<T>(), &record, TextLimits<T>::all);
}

// InvalidArgument: something that no store may hold, or a text that is too long.
template <typename T>
absl::Status validateRecord(const T& record) {
  absl::Status status = validate(typeInfo<T>(), &record);
  return status.ok() ? checkTexts(record) : status;
}

}  // namespace strata::internal
