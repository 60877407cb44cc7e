#include "src/records/scalars.h"

#include <cmath>
#include <utility>

namespace strata::internal {
namespace {

template <typename T, typename Number>
bool setIfItFits(Number number, void* value) {
  if (!std::in_range<T>(number)) return false;
  *static_cast<T*>(value) = static_cast<T>(number);
  return true;
}

// Whichever of the integer kinds it is.
template <typename Number>
bool setInteger(Kind kind, Number number, void* value) {
  switch (kind) {
    case Kind::kInt8:
      return setIfItFits<std::int8_t>(number, value);
    case Kind::kInt16:
      return setIfItFits<std::int16_t>(number, value);
    case Kind::kInt32:
      return setIfItFits<std::int32_t>(number, value);
    case Kind::kInt64:
      return setIfItFits<std::int64_t>(number, value);
    case Kind::kUint8:
      return setIfItFits<std::uint8_t>(number, value);
    case Kind::kUint16:
      return setIfItFits<std::uint16_t>(number, value);
    case Kind::kUint32:
      return setIfItFits<std::uint32_t>(number, value);
    case Kind::kUint64:
      return setIfItFits<std::uint64_t>(number, value);
    default:
      return false;
  }
}

}  // namespace

bool isInteger(Kind kind) { return kind >= Kind::kInt8 && kind <= Kind::kUint64; }
bool isUnsigned(Kind kind) { return kind >= Kind::kUint8 && kind <= Kind::kUint64; }
bool isFloating(Kind kind) { return kind == Kind::kFloat || kind == Kind::kDouble; }

std::int64_t getSigned(Kind kind, const void* value) {
  switch (kind) {
    case Kind::kInt8:
      return *static_cast<const std::int8_t*>(value);
    case Kind::kInt16:
      return *static_cast<const std::int16_t*>(value);
    case Kind::kInt32:
      return *static_cast<const std::int32_t*>(value);
    default:
      return *static_cast<const std::int64_t*>(value);
  }
}

std::uint64_t getUnsigned(Kind kind, const void* value) {
  switch (kind) {
    case Kind::kUint8:
      return *static_cast<const std::uint8_t*>(value);
    case Kind::kUint16:
      return *static_cast<const std::uint16_t*>(value);
    case Kind::kUint32:
      return *static_cast<const std::uint32_t*>(value);
    default:
      return *static_cast<const std::uint64_t*>(value);
  }
}

double getFloating(Kind kind, const void* value) {
  return kind == Kind::kFloat ? *static_cast<const float*>(value)
                              : *static_cast<const double*>(value);
}

bool setSigned(Kind kind, std::int64_t number, void* value) {
  return setInteger(kind, number, value);
}

bool setUnsigned(Kind kind, std::uint64_t number, void* value) {
  return setInteger(kind, number, value);
}

bool setFloating(Kind kind, double number, void* value) {
  if (kind == Kind::kDouble) {
    *static_cast<double*>(value) = number;
    return true;
  }
  // Halfway from the largest float to the next power of two: what is below still rounds to a float.
  // The shortest text of the largest float, 3.4028235e38, is itself a little larger than it.
  if (std::abs(number) >= 0x1.ffffffp127) return false;
  *static_cast<float*>(value) = static_cast<float>(number);
  return true;
}

std::optional<std::string_view> getEnumName(const TypeInfo& type, const void* value) {
  const std::int64_t number = type.enum_ops->get(value);
  for (const Enumerator& enumerator : type.enum_ops->enumerators) {
    if (enumerator.value == number) return enumerator.name;
  }
  return std::nullopt;
}

bool setEnumName(const TypeInfo& type, std::string_view name, void* value) {
  for (const Enumerator& enumerator : type.enum_ops->enumerators) {
    if (enumerator.name != name) continue;
    type.enum_ops->set(value, enumerator.value);
    return true;
  }
  return false;
}

}  // namespace strata::internal
