#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/postgres/client/connection.h"
#include "adapters/postgres/client/statement.h"
#include "strata/records/internal/type_info.h"

namespace strata::internal {

// A described record as columns of a table: their names for SQL, their values for parameters, and
// back. Every field is a column of its name but those that are `computed`, which a query answers
// after the columns under the name it likes.
class RecordColumns {
 public:
  RecordColumns(std::string_view table, const TypeInfo& type,
                std::initializer_list<std::string_view> computed = {});

  // "id, name", or "p.id, p.name" for the alias "p".
  std::string names(std::string_view alias = {}) const;
  // "$3, $4" for 3.
  std::string parameters(int first) const;
  // "name = $3, …", without the columns of `keys`. Parameters are numbered as above all the same,
  // so those of `keys` must stand elsewhere in the statement: the server wants a type for each.
  std::string assignments(int first, std::initializer_list<std::string_view> keys) const;

  void bindTo(const void* record, std::vector<postgres::Bind>& binds) const;
  // Reads the columns, from `first` on, and the computed ones after them. DataLoss names table and
  // column, never the value.
  absl::Status read(const postgres::Rows& rows, int row, void* record, int first = 0) const;

 private:
  const std::string table_;
  std::vector<Field> columns_;
  std::vector<Field> computed_;
};

// All rows of an answer as records.
template <typename T>
absl::StatusOr<std::vector<T>> readAll(const RecordColumns& columns, const postgres::Rows& rows) {
  std::vector<T> records(static_cast<std::size_t>(rows.size()));
  for (int row = 0; row < rows.size(); ++row) {
    absl::Status status = columns.read(rows, row, &records[static_cast<std::size_t>(row)]);
    if (!status.ok()) return status;
  }
  return records;
}

}  // namespace strata::internal
