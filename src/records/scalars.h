// Access to the scalars that a TypeInfo describes.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "strata/records/internal/type_info.h"

namespace strata::internal {

bool isInteger(Kind kind);
bool isUnsigned(Kind kind);
bool isFloating(Kind kind);

// Of the kinds that `isInteger` names, without those that are unsigned.
std::int64_t getSigned(Kind kind, const void* value);
std::uint64_t getUnsigned(Kind kind, const void* value);
double getFloating(Kind kind, const void* value);

// False, and nothing is set, when the number does not fit.
bool setSigned(Kind kind, std::int64_t number, void* value);
bool setUnsigned(Kind kind, std::uint64_t number, void* value);
bool setFloating(Kind kind, double number, void* value);

// The enumerator's name, none for a value that has no name.
std::optional<std::string_view> getEnumName(const TypeInfo& type, const void* value);
bool setEnumName(const TypeInfo& type, std::string_view name, void* value);

}  // namespace strata::internal
