// Entity<T>: where the values of a described type live and what names one of them. Together with
// the description it is all that a type needs to be stored, cached, mocked and migrated.
//
//   struct FeatureFlag { std::string name; bool enabled = false; };
//   BOOST_DESCRIBE_STRUCT(FeatureFlag, (), (name, enabled))
//
//   template <>
//   struct strata::Entity<FeatureFlag> {
//     static constexpr auto table = "feature_flags";
//     static constexpr strata::KeySpace keys{"flags", "flag"};
//     static std::string id(const FeatureFlag& f) { return f.name; }
//   };
//
// `id` returns anything an Id is made from; a composite id is `strata::Id{f.region, f.name}`.
// Optional: `static constexpr std::array<std::string_view, N> key_columns{"region", "name"};`
// names the members that the segments of an id are, in order; they become the primary key of the
// table. Without it the primary key is the member `id` where T has one, and otherwise a text column
// `id` of its own that holds the canonical id.
#pragma once

#include <concepts>
#include <memory>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "strata/records/described.h"
#include "strata/records/id.h"
#include "strata/records/internal/type_info.h"
#include "strata/records/key_space.h"

namespace strata {

template <typename T>
struct Entity;  // specialise it for a type of your own

template <typename T>
concept EntityType = internal::is_described_struct<T> && std::default_initializable<T> &&
    std::copy_constructible<T> && requires(const T& value) {
  { Entity<T>::table } -> std::convertible_to<std::string_view>;
  { Entity<T>::keys } -> std::convertible_to<KeySpace>;
  { Entity<T>::id(value) } -> std::convertible_to<Id>;
};

// The same for code that does not know T: one table per type, made once, never destroyed.
struct EntityInfo {
  std::string_view table;
  KeySpace keys;
  TypeInfoRef type;
  // The columns of the primary key.
  std::vector<std::string_view> key_columns;
  // Whether the one key column is the text column `id` that is no member of T.
  bool has_own_id_column;
  Id (*id)(const void* record);
  // A T with its default values; the defaults of the table's columns come from it.
  const void* default_record;
  std::shared_ptr<void> (*make)();  // a new T with its default values
  std::shared_ptr<const void> (*copy)(const void* record);

  const TypeInfo& typeInfo() const { return type(); }
};

namespace internal {

template <typename T>
concept HasKeyColumns = requires {
  Entity<T>::key_columns;
};

// Fills in `key_columns` and `has_own_id_column` where the Entity names none.
EntityInfo withKeyColumns(EntityInfo info);

}  // namespace internal

template <EntityType T>
const EntityInfo& entityInfo() {
  static const EntityInfo* const info = [] {
    EntityInfo made{
        .table = Entity<T>::table,
        .keys = Entity<T>::keys,
        .type = &typeInfo<T>,
        .key_columns = {},
        .has_own_id_column = false,
        .id = [](const void* record) -> Id {
          return Entity<T>::id(*static_cast<const T*>(record));
        },
        .default_record = new T{},
        .make = []() -> std::shared_ptr<void> { return std::make_shared<T>(); },
        .copy = [](const void* record) -> std::shared_ptr<const void> {
          return std::make_shared<T>(*static_cast<const T*>(record));
        },
    };
    if constexpr (internal::HasKeyColumns<T>) {
      made.key_columns.assign(std::begin(Entity<T>::key_columns), std::end(Entity<T>::key_columns));
    }
    return new EntityInfo(internal::withKeyColumns(std::move(made)));
  }();
  return *info;
}

// The field of that name, or null.
const Field* memberNamed(const EntityInfo& entity, std::string_view name);

// Ok when every key column is a member that can be one: a text, an enum or an integer, and never
// absent. Otherwise InvalidArgument, from the stores' `create`.
absl::Status checkEntity(const EntityInfo& entity);

// Ok when `id` can name a record: it is valid and has a segment for each key column, and that of an
// integer is one that the member can hold, in plain digits. Otherwise InvalidArgument, which names
// the table.
absl::Status checkId(const EntityInfo& entity, const Id& id);

// Ok when `record` can be stored under `id`, which Entity<T>::id made of it: the id can name a
// record, its segments are what the key columns hold, and the record's fields are valid.
absl::Status checkRecord(const EntityInfo& entity, const Id& id, const void* record);

// `Entity<T>::id(record)` as an Id.
template <EntityType T>
Id idOf(const T& record) {
  return Entity<T>::id(record);
}

}  // namespace strata
