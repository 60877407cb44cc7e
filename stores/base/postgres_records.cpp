#include "stores/base/postgres_records.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "strata/base/status.h"
#include "strata/records/row_codec.h"

namespace strata::internal {
namespace {

bool isOneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

void append(std::string& list, const std::string& item) {
  if (!list.empty()) list += ", ";
  list += item;
}

// A NULL where the record has no optional is not read as an empty value: written back with the rest
// of the record it would replace what a later version of the schema stores there.
absl::Status readField(const Field& field, std::optional<std::string_view> text, void* record) {
  if (!text && !isNullable(field.type())) {
    return absl::DataLossError("NULL, which this version of the record has no place for");
  }
  return fromColumnText(field.type(), text, field.address(record));
}

}  // namespace

RecordColumns::RecordColumns(std::string_view table, const TypeInfo& type,
                             std::initializer_list<std::string_view> computed)
    : table_(table) {
  for (const Field& field : type.fields) {
    (isOneOf(field.name, computed) ? computed_ : columns_).push_back(field);
  }
}

std::string RecordColumns::names(std::string_view alias) const {
  std::string list;
  for (const Field& field : columns_) {
    append(list, alias.empty() ? std::string(field.name) : fmt::format("{}.{}", alias, field.name));
  }
  return list;
}

std::string RecordColumns::parameters(int first) const {
  std::string list;
  for (std::size_t i = 0; i < columns_.size(); ++i) append(list, fmt::format("${}", first++));
  return list;
}

std::string RecordColumns::assignments(int first,
                                       std::initializer_list<std::string_view> keys) const {
  std::string list;
  for (const Field& field : columns_) {
    const int parameter = first++;
    if (!isOneOf(field.name, keys)) append(list, fmt::format("{} = ${}", field.name, parameter));
  }
  return list;
}

void RecordColumns::bindTo(const void* record, std::vector<postgres::Bind>& binds) const {
  for (const Field& field : columns_) binds.push_back(toColumnText(field.type(), field.in(record)));
}

absl::Status RecordColumns::read(const postgres::Rows& rows, int row, void* record,
                                 int first) const {
  for (const auto* fields : {&columns_, &computed_}) {
    for (const Field& field : *fields) {
      absl::Status status = readField(field, rows.at(row, first++), record);
      if (!status.ok()) return annotate(status, fmt::format("{}.{}", table_, field.name));
    }
  }
  return absl::OkStatus();
}

}  // namespace strata::internal
