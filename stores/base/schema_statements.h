// SchemaStatements: the statements of domain stores, for the schema that has their tables.
//
// Their SQL says "$schema." before the name of each table and sequence:
//
//   SELECT name FROM $schema.users WHERE id = $1
//
// With a schema that becomes "crm".users, otherwise users alone. A search_path of the session would
// do it too, but a session may be shared with other applications through a pooler, and a unit of
// work runs statements on the application's own tables as well.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/node_hash_map.h"
#include "adapters/postgres/client/statement.h"

namespace strata::internal {

// SQL with "$schema." for a schema; empty: for where search_path leads.
std::string inSchema(std::string_view sql, std::string_view schema);

// Thread-safe.
class SchemaStatements {
 public:
  explicit SchemaStatements(std::string schema) : schema_(std::move(schema)) {}

  // Those for where search_path leads; never destroyed.
  static const SchemaStatements& unqualified();

  // `statement` for this schema. It lives as long as this object, which keeps one for each text that
  // it was ever asked for: only for statements of which there is a fixed number.
  const postgres::Statement& of(const postgres::Statement& statement) const;

 private:
  const std::string schema_;
  mutable std::mutex mutex_;
  mutable absl::node_hash_map<std::string, postgres::Statement> by_text_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::internal
