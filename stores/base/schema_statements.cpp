#include "stores/base/schema_statements.h"

#include <cstddef>

#include "strata/records/row_codec.h"

namespace strata::internal {

std::string inSchema(std::string_view sql, std::string_view schema) {
  constexpr std::string_view kMark = "$schema.";
  const std::string prefix = schema.empty() ? "" : quoteIdentifier(schema) + ".";
  std::string whole;
  for (std::size_t mark = sql.find(kMark); mark != sql.npos; mark = sql.find(kMark)) {
    whole.append(sql.substr(0, mark)).append(prefix);
    sql.remove_prefix(mark + kMark.size());
  }
  return whole.append(sql);
}

const SchemaStatements& SchemaStatements::unqualified() {
  static const auto* const statements = new SchemaStatements("");
  return *statements;
}

const postgres::Statement& SchemaStatements::of(const postgres::Statement& statement) const {
  const std::lock_guard lock(mutex_);
  const auto found = by_text_.find(statement.sql());
  if (found != by_text_.end()) return found->second;
  const auto effect = statement.writes() ? postgres::Effect::kWrites : postgres::Effect::kReads;
  return by_text_
      .try_emplace(statement.sql(), inSchema(statement.sql(), schema_), statement.what(), effect,
                   statement.bound())
      .first->second;
}

}  // namespace strata::internal
