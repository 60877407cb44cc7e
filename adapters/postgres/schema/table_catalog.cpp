#include "adapters/postgres/schema/table_catalog.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/postgres/client/array_text.h"
#include "strata/base/status.h"
#include "strata/records/row_codec.h"

namespace strata::postgres {
namespace {

std::string textAt(const Rows& rows, int row, int column) {
  return std::string(rows.at(row, column).value_or(""));
}

int numberAt(const Rows& rows, int row, int column) {
  const std::string_view digits = rows.at(row, column).value_or("");
  int number = -1;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

absl::Status lookUpRelation(Ask ask, const EntityInfo& entity, FoundTable& found) {
  static const auto* const statement = new Statement(
      "SELECT current_schema(), current_setting('search_path'), current_user,"
      " n.nspname, c.relname, c.relkind, c.relpersistence = 't', row_security_active(c.oid),"
      " c.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid),"
      " (SELECT string_agg(rulename, ', ') FROM pg_rewrite"
      "  WHERE ev_class = c.oid AND rulename <> '_RETURN' AND ev_enabled <> 'D'),"
      " c.relkind = 'p' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = c.oid),"
      // BEFORE, ROW and INSERT.
      " EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgenabled <> 'D'"
      "  AND tgtype::int & 7 = 7)"
      " FROM (SELECT to_regclass($1) AS oid) AS wanted"
      " LEFT JOIN pg_class c ON c.oid = wanted.oid"
      " LEFT JOIN pg_namespace n ON n.oid = c.relnamespace",
      "look for a table", Effect::kReads);
  const Bind binds[] = {quoteTable(entity.table)};
  auto answer = ask(*statement, binds);
  if (!answer.ok()) return answer.status();
  const Rows& rows = answer->rows;
  found.creation_schema = textAt(rows, 0, 0);
  found.search_path = textAt(rows, 0, 1);
  found.role = textAt(rows, 0, 2);
  found.schema = textAt(rows, 0, 3);
  found.name = textAt(rows, 0, 4);
  found.kind = rows.at(0, 5).value_or("-").front();
  found.temporary = rows.at(0, 6) == "t";
  found.row_security = rows.at(0, 7) == "t";
  found.has_children = rows.at(0, 8) == "t";
  found.rules = textAt(rows, 0, 9);
  found.has_partitions = rows.at(0, 10) == "t";
  found.has_insert_trigger = rows.at(0, 11) == "t";
  return absl::OkStatus();
}

// The indexes that ON CONFLICT (key) takes for its own: whatever their collation.
absl::Status lookUpIndexes(Ask ask, const EntityInfo& entity, FoundTable& found) {
  static const auto* const statement = new Statement(
      "SELECT c.relname, EXISTS (SELECT FROM unnest(i.indcollation) AS u(oid)"
      "  JOIN pg_collation l ON l.oid = u.oid WHERE NOT l.collisdeterministic)"
      " FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
      " WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid AND i.indimmediate"
      " AND i.indpred IS NULL AND i.indnkeyatts = cardinality($2::text[])"
      " AND $2::text[] <@ ARRAY(SELECT a.attname::text FROM pg_attribute a"
      "  JOIN unnest(i.indkey) WITH ORDINALITY AS k(attnum, n) USING (attnum)"
      "  WHERE a.attrelid = i.indrelid AND k.n <= i.indnkeyatts)",
      "look at a table's indexes", Effect::kReads);
  ArrayText keys;
  for (std::string_view key : entity.key_columns) keys.append(key);
  const Bind binds[] = {quoteTable(entity.table), keys.take()};
  auto answer = ask(*statement, binds);
  if (!answer.ok()) return answer.status();
  for (int row = 0; row < answer->rows.size(); ++row) {
    found.unique_key = true;
    if (answer->rows.at(row, 1) == "t") found.loose_index = textAt(answer->rows, row, 0);
  }
  return absl::OkStatus();
}

// The default of the column leads to the sequence whatever search_path says. One of another name is
// not ours, and the store does not use it.
absl::Status lookUpSequence(Ask ask, const EntityInfo& entity, FoundTable& found) {
  static const auto* const statement = new Statement(
      "SELECT n.nspname, s.seqincrement > 0 AND s.seqcache = 1 AND NOT s.seqcycle"
      " FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid"
      " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = coalesce("
      " (SELECT d.refobjid FROM pg_attrdef f JOIN pg_depend d"
      "  ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid"
      "  AND d.refclassid = 'pg_class'::regclass JOIN pg_class q ON q.oid = d.refobjid"
      "  JOIN pg_attribute a ON a.attrelid = f.adrelid AND a.attnum = f.adnum"
      "  WHERE f.adrelid = to_regclass($1) AND a.attname = $2 AND q.relkind = 'S'"
      "  AND q.relname = $3 LIMIT 1),"
      " to_regclass($3))",
      "look at the sequence of row versions", Effect::kReads);
  const Bind binds[] = {quoteTable(entity.table), bind(kRowVersionColumn),
                        bind(kRowVersionSequence)};
  auto answer = ask(*statement, binds);
  if (!answer.ok()) return answer.status();
  if (answer->rows.size() == 0) return absl::OkStatus();
  found.sequence = {.schema = textAt(answer->rows, 0, 0), .in_order = answer->rows.at(0, 1) == "t"};
  return absl::OkStatus();
}

std::vector<std::string> linesOf(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

FoundColumn columnAt(const Rows& rows, int row) {
  const auto is = [&](int column) { return rows.at(row, column) == "t"; };
  return {.type = textAt(rows, row, 1),
          .declared = textAt(rows, row, 5),
          .length = numberAt(rows, row, 2),
          .precision = numberAt(rows, row, 6),
          .scale = numberAt(rows, row, 3),
          .labels = linesOf(rows.at(row, 7).value_or("")),
          .not_null = is(8),
          .fills_itself = is(9),
          .takes_no_value = is(10),
          .may_select = is(11),
          .may_insert = is(12),
          .may_update = is(13),
          .loose_collation = textAt(rows, row, 4)};
}

// A domain is followed to its type, over other domains; a column has its collation from it.
absl::Status lookUpColumns(Ask ask, const EntityInfo& entity, FoundTable& found) {
  static const auto* const statement = new Statement(
      "WITH RECURSIVE typed(name, type, modifier, collated_by) AS ("
      " SELECT attname, atttypid, atttypmod, attcollation FROM pg_attribute"
      "  WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"
      " UNION ALL SELECT c.name, t.typbasetype, t.typtypmod, c.collated_by"
      "  FROM typed c JOIN pg_type t ON t.oid = c.type WHERE t.typtype = 'd')"
      " SELECT c.name, CASE t.typtype WHEN 'e' THEN 'enum' ELSE format_type(t.oid, NULL) END,"
      " CASE WHEN t.typname IN ('varchar', 'bpchar') AND c.modifier > 4 THEN c.modifier - 4 END,"
      " CASE WHEN t.typname = 'numeric' AND c.modifier > 4 THEN (c.modifier - 4) & 2047 END,"
      " (SELECT l.collname FROM pg_collation l"
      "  WHERE l.oid = c.collated_by AND NOT l.collisdeterministic),"
      " format_type(a.atttypid, a.atttypmod) || CASE d.typtype WHEN 'e' THEN ' (an enum)'"
      "  WHEN 'd' THEN ' (a domain of ' || format_type(t.oid, c.modifier) || ')' ELSE '' END,"
      " CASE WHEN t.typname = 'numeric' AND c.modifier > 4 THEN (c.modifier - 4) >> 16"
      "  WHEN t.typname = 'timestamptz' AND c.modifier >= 0 THEN c.modifier END,"
      " (SELECT string_agg(enumlabel, E'\n') FROM pg_enum WHERE enumtypid = t.oid),"
      " a.attnotnull OR d.typnotnull,"
      " a.atthasdef OR a.attidentity <> '' OR d.typdefault IS NOT NULL,"
      " a.attgenerated <> '' OR a.attidentity = 'a',"
      " has_column_privilege(a.attrelid, a.attnum, 'SELECT'),"
      " has_column_privilege(a.attrelid, a.attnum, 'INSERT'),"
      " has_column_privilege(a.attrelid, a.attnum, 'UPDATE')"
      " FROM typed c JOIN pg_type t ON t.oid = c.type"
      " JOIN pg_attribute a ON a.attrelid = to_regclass($1) AND a.attname = c.name"
      " JOIN pg_type d ON d.oid = a.atttypid WHERE t.typtype <> 'd'",
      "look at a table's columns", Effect::kReads);
  const Bind binds[] = {quoteTable(entity.table)};
  auto answer = ask(*statement, binds);
  if (!answer.ok()) return answer.status();
  const Rows& rows = answer->rows;
  for (int row = 0; row < rows.size(); ++row) {
    found.columns.emplace(textAt(rows, row, 0), columnAt(rows, row));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<FoundTable> lookUpTable(Ask ask, const EntityInfo& entity) {
  FoundTable found;
  absl::Status status = lookUpRelation(ask, entity, found);
  if (status.ok()) status = lookUpIndexes(ask, entity, found);
  if (status.ok()) status = lookUpSequence(ask, entity, found);
  if (status.ok()) status = lookUpColumns(ask, entity, found);
  if (!status.ok()) return annotate(status, entity.table);
  return found;
}

}  // namespace strata::postgres
