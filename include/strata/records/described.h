// typeInfo<T>(): the TypeInfo of a type, made from its Boost.Describe description.
//
// What a field may be: bool, the integers of <cstdint>, float, double, std::string,
// strata::Timestamp, strata::Json, a described enum, a described struct (its described bases
// included), and std::optional, std::vector, std::map<std::string, …>, std::unordered_map<std::string,
// …> or a map with their interface, of these. Anything else does not compile, with a message that
// says so; nor does an aggregate with a member that its description leaves out.
//
// An enumerator is stored by its name; `kPascalCase` is stored as `pascal_case`. To store other
// names, specialise EnumNames:
//   template <> struct strata::EnumNames<EgressMode> {
//     static constexpr std::array<strata::EnumName<EgressMode>, 1> names{{{EgressMode::kOn, "on"}}};
//   };
#pragma once

#include <array>
#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "strata/base/timestamp.h"
#include "strata/records/internal/member_count.h"
#include "strata/records/internal/type_info.h"
#include "strata/records/json.h"

namespace strata {

template <typename E>
struct EnumName {
  E value;
  std::string_view name;
};

// Specialise to store an enum under names other than its enumerators'.
template <typename E>
struct EnumNames;

template <typename T>
const TypeInfo& typeInfo();

namespace internal {

// The name under which an enumerator is stored: `kReportOnly` gives "report_only".
std::string storedEnumeratorName(std::string_view enumerator);

template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <typename T>
inline constexpr bool is_list = false;
template <typename T, typename A>
inline constexpr bool is_list<std::vector<T, A>> = true;
// std::map and std::unordered_map by what they do, so that this header includes neither.
template <typename T>
concept StringKeyedMap = std::is_same_v<typename T::key_type, std::string> &&
    requires(T& map, typename T::mapped_type element) {
  map.insert_or_assign(std::string(), std::move(element));
  map.try_emplace(std::string());
  map.clear();
};
template <typename T>
inline constexpr bool is_described_struct =
    std::is_class_v<T>&& boost::describe::has_describe_members<T>::value;
template <typename E>
concept HasEnumNames = requires {
  EnumNames<E>::names;
};

template <typename T>
consteval std::optional<Kind> scalarKind() {
  if constexpr (std::is_same_v<T, bool>) return Kind::kBool;
  if constexpr (std::is_same_v<T, float>) return Kind::kFloat;
  if constexpr (std::is_same_v<T, double>) return Kind::kDouble;
  if constexpr (std::is_same_v<T, std::string>) return Kind::kString;
  if constexpr (std::is_same_v<T, Timestamp>) return Kind::kTimestamp;
  if constexpr (std::is_same_v<T, Json>) return Kind::kJson;
  constexpr bool is_character = std::is_same_v<T, char> || std::is_same_v<T, wchar_t> ||
                                std::is_same_v<T, char8_t> || std::is_same_v<T, char16_t> ||
                                std::is_same_v<T, char32_t>;
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool> && !is_character) {
    constexpr bool is_signed = std::is_signed_v<T>;
    if constexpr (sizeof(T) == 1) return is_signed ? Kind::kInt8 : Kind::kUint8;
    if constexpr (sizeof(T) == 2) return is_signed ? Kind::kInt16 : Kind::kUint16;
    if constexpr (sizeof(T) == 4) return is_signed ? Kind::kInt32 : Kind::kUint32;
    if constexpr (sizeof(T) == 8) return is_signed ? Kind::kInt64 : Kind::kUint64;
  }
  return std::nullopt;
}

template <typename E>
const EnumOps& enumOps() {
  static const auto enumerators = [] {
    std::vector<Enumerator> all;
    if constexpr (HasEnumNames<E>) {
      for (const auto& [value, name] : EnumNames<E>::names) {
        all.push_back({static_cast<std::int64_t>(value), name});
      }
    } else {
      // The names live as long as the program; the table of a type is never destroyed.
      boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>([&all](auto described) {
        const auto* name = new std::string(storedEnumeratorName(described.name));
        all.push_back({static_cast<std::int64_t>(described.value), *name});
      });
    }
    return new std::vector<Enumerator>(std::move(all));
  }();
  static const EnumOps ops{
      .enumerators = *enumerators,
      .get =
          [](const void* value) {
            return static_cast<std::int64_t>(*static_cast<const E*>(value));
          },
      .set = [](void* value,
                std::int64_t enumerator) { *static_cast<E*>(value) = static_cast<E>(enumerator); },
  };
  return ops;
}

template <typename O>
inline constexpr OptionalOps optional_ops{
    .get = [](const void* optional) -> const void* {
      const auto& value = *static_cast<const O*>(optional);
      return value ? std::addressof(*value) : nullptr;
    },
    .emplace = [](void* optional) -> void* {
      return std::addressof(static_cast<O*>(optional)->emplace());
    },
    .reset = [](void* optional) { static_cast<O*>(optional)->reset(); },
};

template <typename L>
consteval decltype(ListOps::extend) listExtend() {
  if constexpr (std::is_same_v<typename L::value_type, bool>) {
    return nullptr;
  } else {
    return
        [](void* list) -> void* { return std::addressof(static_cast<L*>(list)->emplace_back()); };
  }
}

template <typename L>
inline constexpr ListOps list_ops{
    .visit = [](const void* list, VisitElement visit) -> absl::Status {
      for (const typename L::value_type& element : *static_cast<const L*>(list)) {
        if (absl::Status status = visit(std::addressof(element)); !status.ok()) return status;
      }
      return absl::OkStatus();
    },
    .append = [](void* list, FillElement fill) -> absl::Status {
      typename L::value_type element{};
      if (absl::Status status = fill(std::addressof(element)); !status.ok()) return status;
      static_cast<L*>(list)->push_back(std::move(element));
      return absl::OkStatus();
    },
    .extend = listExtend<L>(),
    .clear = [](void* list) { static_cast<L*>(list)->clear(); },
};

template <typename M>
inline constexpr MapOps map_ops{
    .visit = [](const void* map, VisitEntry visit) -> absl::Status {
      for (const auto& [key, element] : *static_cast<const M*>(map)) {
        if (absl::Status status = visit(key, std::addressof(element)); !status.ok()) return status;
      }
      return absl::OkStatus();
    },
    .insert = [](void* map, std::string_view key, FillElement fill) -> absl::Status {
      typename M::mapped_type element{};
      if (absl::Status status = fill(std::addressof(element)); !status.ok()) return status;
      static_cast<M*>(map)->insert_or_assign(std::string(key), std::move(element));
      return absl::OkStatus();
    },
    .emplace = [](void* map, std::string_view key) -> void* {
      const auto [at, is_new] = static_cast<M*>(map)->try_emplace(std::string(key));
      if (!is_new) at->second = typename M::mapped_type{};
      return std::addressof(at->second);
    },
    .clear = [](void* map) { static_cast<M*>(map)->clear(); },
};

template <typename T, typename Member>
struct FieldOf;
template <typename T, typename Owner, typename M>
struct FieldOf<T, M Owner::*> {
  template <typename Described>
  static constexpr Field make() {
    return {.name = Described::name, .type = &typeInfo<M>, .address = [](void* record) -> void* {
              return std::addressof(static_cast<T*>(record)->*Described::pointer);
            }};
  }
};

template <typename T>
const auto& structFields() {
  using Members = boost::describe::describe_members<T, boost::describe::mod_public |
                                                           boost::describe::mod_inherited>;
  static constexpr auto fields = []<typename... D>(boost::mp11::mp_list<D...>) {
    return std::array<Field, sizeof...(D)>{
        FieldOf<T, std::remove_const_t<decltype(D::pointer)>>::template make<D>()...};
  }(boost::mp11::mp_rename<Members, boost::mp11::mp_list>{});
  return fields;
}

template <typename T>
TypeInfo makeTypeInfo() {
  if constexpr (scalarKind<T>().has_value()) {
    return {.kind = *scalarKind<T>()};
  } else if constexpr (is_optional<T>) {
    static_assert(!is_optional<typename T::value_type>,
                  "strata: an optional of an optional has no JSON and no column");
    return {.kind = Kind::kOptional,
            .element = &typeInfo<typename T::value_type>,
            .optional = &optional_ops<T>};
  } else if constexpr (is_list<T>) {
    return {
        .kind = Kind::kList, .element = &typeInfo<typename T::value_type>, .list = &list_ops<T>};
  } else if constexpr (StringKeyedMap<T>) {
    return {.kind = Kind::kMap, .element = &typeInfo<typename T::mapped_type>, .map = &map_ops<T>};
  } else if constexpr (std::is_enum_v<T>) {
    static_assert(HasEnumNames<T> || boost::describe::has_describe_enumerators<T>::value,
                  "strata: describe this enum with BOOST_DESCRIBE_ENUM, or specialise "
                  "strata::EnumNames for it");
    return {.kind = Kind::kEnum, .enum_ops = &enumOps<T>()};
  } else {
    static_assert(is_described_struct<T>,
                  "strata: a field is a bool, integer, float, double, std::string, strata::Json, "
                  "strata::Timestamp (UTC microseconds), an enum or struct described with "
                  "Boost.Describe, or a std::optional, std::vector or string-keyed map of these");
    static_assert(has_every_member<T>,
                  "strata: a member of this struct is missing from its BOOST_DESCRIBE_STRUCT");
    return {.kind = Kind::kStruct, .fields = structFields<T>()};
  }
}

}  // namespace internal

template <typename T>
const TypeInfo& typeInfo() {
  static const TypeInfo info = internal::makeTypeInfo<T>();
  return info;
}

}  // namespace strata
