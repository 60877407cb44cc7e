#include "strata/records/entity.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "strata/base/status.h"
#include "strata/records/row_codec.h"

namespace strata {
namespace {

bool canBeKey(const TypeInfo& type) {
  if (isNullable(type)) return false;
  const std::string_view column = columnType(type);
  for (const std::string_view usable : {"text", "smallint", "integer", "bigint", "numeric(20)"}) {
    if (column == usable) return true;
  }
  return false;
}

template <typename Integer>
bool isInDigits(std::string_view text) {
  Integer value{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end && fmt::to_string(value) == text;
}

// Whether `text` is how a member of this kind reads as a segment of an id. "007" is not: it would be
// a second name of a record, and a cache keeps copies by name.
bool isKeyText(Kind kind, std::string_view text) {
  switch (kind) {
    case Kind::kInt8:
      return isInDigits<std::int8_t>(text);
    case Kind::kInt16:
      return isInDigits<std::int16_t>(text);
    case Kind::kInt32:
      return isInDigits<std::int32_t>(text);
    case Kind::kInt64:
      return isInDigits<std::int64_t>(text);
    case Kind::kUint8:
      return isInDigits<std::uint8_t>(text);
    case Kind::kUint16:
      return isInDigits<std::uint16_t>(text);
    case Kind::kUint32:
      return isInDigits<std::uint32_t>(text);
    case Kind::kUint64:
      return isInDigits<std::uint64_t>(text);
    default:
      return true;
  }
}

bool isText(const Field& member) { return member.type().kind == Kind::kString; }

absl::Status checkKeySegments(const EntityInfo& entity, const Id& id) {
  std::vector<std::string> segments;
  for (std::size_t i = 0; i < entity.key_columns.size(); ++i) {
    const Field& member = *memberNamed(entity, entity.key_columns[i]);
    if (isText(member)) continue;
    if (segments.empty()) segments = id.segments();
    if (isKeyText(member.type().kind, segments[i])) continue;
    return absl::InvalidArgumentError(
        fmt::format("{}: the id's {} is not an integer that the member can hold, in plain digits",
                    entity.table, member.name));
  }
  return absl::OkStatus();
}

absl::Status checkKeyMembers(const EntityInfo& entity, const Id& id, const void* record) {
  if (entity.has_own_id_column) return absl::OkStatus();
  const std::vector<std::string> segments = id.segments();
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Field& member = *memberNamed(entity, entity.key_columns[i]);
    if (toColumnText(member.type(), member.in(record)) == segments[i]) continue;
    return absl::InvalidArgumentError(
        fmt::format("{}: Entity<T>::id does not match key column {}", entity.table, member.name));
  }
  return absl::OkStatus();
}

}  // namespace

const Field* memberNamed(const EntityInfo& entity, std::string_view name) {
  for (const Field& field : entity.typeInfo().fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

absl::Status checkEntity(const EntityInfo& entity) {
  if (entity.has_own_id_column) return absl::OkStatus();
  for (std::string_view key : entity.key_columns) {
    const Field* member = memberNamed(entity, key);
    if (member == nullptr) {
      return absl::InvalidArgumentError(
          fmt::format("{}: key column {} is not a member", entity.table, key));
    }
    if (canBeKey(member->type())) continue;
    return absl::InvalidArgumentError(fmt::format(
        "{}: key column {} is neither a text, an enum nor an integer", entity.table, key));
  }
  return absl::OkStatus();
}

absl::Status checkId(const EntityInfo& entity, const Id& id) {
  if (absl::Status status = id.check(); !status.ok()) return annotate(status, entity.table);
  if (entity.has_own_id_column) return absl::OkStatus();
  const std::string& text = id.canonical();
  const auto segments = static_cast<std::size_t>(std::count(text.begin(), text.end(), ':')) + 1;
  if (segments == entity.key_columns.size()) return checkKeySegments(entity, id);
  return absl::InvalidArgumentError(fmt::format("{}: an id of {} segments, where {} name a row",
                                                entity.table, segments, entity.key_columns.size()));
}

absl::Status checkRecord(const EntityInfo& entity, const Id& id, const void* record) {
  if (absl::Status status = checkId(entity, id); !status.ok()) return status;
  absl::Status status = validate(entity.typeInfo(), record);
  if (!status.ok()) return annotate(status, entity.table);
  return checkKeyMembers(entity, id, record);
}

namespace internal {
namespace {

bool isUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool isLower(char c) { return c >= 'a' && c <= 'z'; }

}  // namespace

EntityInfo withKeyColumns(EntityInfo info) {
  if (!info.key_columns.empty()) return info;
  const auto fields = info.typeInfo().fields;
  info.has_own_id_column =
      std::none_of(fields.begin(), fields.end(), [](const Field& f) { return f.name == "id"; });
  info.key_columns = {"id"};
  return info;
}

std::string storedEnumeratorName(std::string_view enumerator) {
  const bool is_constant = enumerator.size() > 1 && enumerator[0] == 'k' && isUpper(enumerator[1]);
  if (!is_constant) return std::string(enumerator);
  const std::string_view words = enumerator.substr(1);
  std::string name;
  for (std::size_t i = 0; i < words.size(); ++i) {
    // A capital begins a word, but within a run of them only the last before a small letter does.
    const bool begins_word =
        isUpper(words[i]) && i > 0 &&
        (!isUpper(words[i - 1]) || (i + 1 < words.size() && isLower(words[i + 1])));
    if (begins_word) name += '_';
    name += isUpper(words[i]) ? static_cast<char>(words[i] - 'A' + 'a') : words[i];
  }
  return name;
}

}  // namespace internal
}  // namespace strata
