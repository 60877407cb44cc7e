// TypeInfo: how a value is read and written by code that does not know its C++ type.
//
// `typeInfo<T>()` (described.h) makes one table per type from its Boost.Describe description. The
// JSON codec, the row codec, the DDL, the validation and the fingerprint are ordinary functions
// over that table, compiled once, instead of templates compiled for every type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace strata {

enum class Kind : std::uint8_t {
  kBool,  // bool
  kInt8,  // std::int8_t … std::uint64_t, by width and sign
  kInt16,
  kInt32,
  kInt64,
  kUint8,
  kUint16,
  kUint32,
  kUint64,
  kFloat,      // float
  kDouble,     // double
  kString,     // std::string, UTF-8 without NUL
  kTimestamp,  // strata::Timestamp
  kEnum,       // a described enum
  kOptional,   // std::optional<element>
  kList,       // std::vector<element>
  kMap,        // std::map or std::unordered_map from std::string to element
  kStruct,     // a described struct
  kJson,       // strata::Json. Last: the fingerprints of cached values have the numbers of kinds
};

struct TypeInfo;
// A function, not a pointer, so that a struct may hold a list of itself.
using TypeInfoRef = const TypeInfo& (*)();

struct Enumerator {
  std::int64_t value;
  std::string_view name;
};

struct EnumOps {
  std::span<const Enumerator> enumerators;
  std::int64_t (*get)(const void* value);
  void (*set)(void* value, std::int64_t enumerator);
};

struct OptionalOps {
  const void* (*get)(const void* optional);  // null when empty
  void* (*emplace)(void* optional);          // a fresh default element
  void (*reset)(void* optional);
};

// Stops at the first error and returns it.
using VisitElement = absl::FunctionRef<absl::Status(const void* element)>;
using VisitEntry = absl::FunctionRef<absl::Status(std::string_view key, const void* element)>;
using FillElement = absl::FunctionRef<absl::Status(void* element)>;

struct ListOps {
  absl::Status (*visit)(const void* list, VisitElement);
  // Appends a default element after `fill` has filled it; appends nothing on its error.
  absl::Status (*append)(void* list, FillElement fill);
  // Appends a default element and returns its address, good until the list changes. Null for a
  // std::vector<bool>, whose elements have no address: `append` to it.
  void* (*extend)(void* list);
  void (*clear)(void* list);
};

struct MapOps {
  absl::Status (*visit)(const void* map, VisitEntry);
  absl::Status (*insert)(void* map, std::string_view key, FillElement fill);
  // Puts a default element under `key`, over any that is there, and returns its address.
  void* (*emplace)(void* map, std::string_view key);
  void (*clear)(void* map);
};

struct Field {
  std::string_view name;
  TypeInfoRef type;
  void* (*address)(void* record);

  const void* in(const void* record) const { return address(const_cast<void*>(record)); }
};

struct TypeInfo {
  Kind kind;
  TypeInfoRef element = nullptr;          // kOptional, kList, kMap
  const EnumOps* enum_ops = nullptr;      // kEnum
  const OptionalOps* optional = nullptr;  // kOptional
  const ListOps* list = nullptr;          // kList
  const MapOps* map = nullptr;            // kMap
  std::span<const Field> fields = {};     // kStruct, in the order of the description
};

// Ok, or InvalidArgument that names the first field that no store may hold: text that is not UTF-8
// or has a NUL byte, a NaN or infinite number, a time outside the years 0001 to 9999, an enum value
// without a name. Every store validates what it is given, so all of them hold the same values.
absl::Status validate(const TypeInfo& type, const void* value);

// Changes whenever a name, a type or an enumerator anywhere in the description changes. The same on
// every machine: the stableHash (hash.h) of a text that spells the description out.
std::uint64_t fingerprint(const TypeInfo& type);

}  // namespace strata
