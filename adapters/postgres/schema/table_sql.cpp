#include "adapters/postgres/schema/table_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "strata/base/hash.h"

// Versions must grow in the order in which the writes of a row take effect, or a cache that asks
// for "no older than" is answered with something older. `nextval` alone does not give that: an
// INSERT takes its number, then waits for the transaction that is deleting the old row, and arrives
// with a number below that deletion's. So each writer of an id first takes the id's advisory lock,
// which it keeps until its commit, and only then its number. An UPDATE takes another number when it
// has the row's lock, so that it is above that of a writer from outside who held it.
//
// A DELETE that found nothing may have missed a row that was inserted while it waited for the lock,
// since its snapshot is older than that. The row then has a number below the one that the DELETE
// took under the lock; removing up to that number makes the answer true (see
// PostgresRecords::remove).
//
// A write that is conditional on a version takes the id's lock first as well, as does a read that
// locks: with one order, that two of them wait for each other takes two ids.
namespace strata::postgres {
namespace {

std::string nextVersion(const TableLayout& layout) {
  return fmt::format("nextval({})", quoteLiteral(layout.sequence));
}

std::string nextVersionUnderLock(const TableLayout& layout) {
  return fmt::format("CASE WHEN pg_advisory_xact_lock($1) IS NULL THEN 0 ELSE {} END",
                     nextVersion(layout));
}

std::vector<std::string> columnsOf(const EntityInfo& entity) {
  std::vector<std::string> columns;
  if (entity.has_own_id_column) columns.push_back(quoteIdentifier(entity.key_columns.front()));
  for (const Field& field : entity.typeInfo().fields) {
    columns.push_back(quoteIdentifier(field.name));
  }
  return columns;
}

std::vector<std::string> namesOf(const std::vector<KeyColumn>& keys) {
  std::vector<std::string> names;
  for (const KeyColumn& key : keys) names.push_back(quoteIdentifier(key.name));
  return names;
}

// "k1" = $n AND "k2" = $n+1
std::string keyIs(const std::vector<KeyColumn>& keys, int first_parameter) {
  std::vector<std::string> conditions;
  for (const std::string& name : namesOf(keys)) {
    conditions.push_back(fmt::format("{} = ${}", name, first_parameter++));
  }
  return fmt::format("{}", fmt::join(conditions, " AND "));
}

std::string selectFrom(const EntityInfo& entity, const TableLayout& layout) {
  std::vector<std::string> columns = columnsOf(entity);
  columns.insert(columns.begin(), quoteIdentifier(kRowVersionColumn));
  return fmt::format("SELECT {} FROM {} WHERE ", fmt::join(columns, ", "), layout.table);
}

// "c" = EXCLUDED."c", for each column that is no key, with a comma at the end.
std::string updatesOf(const EntityInfo& entity, const TableLayout& layout) {
  const std::vector<std::string> names = namesOf(layout.keys);
  std::string updates;
  for (const std::string& column : columnsOf(entity)) {
    if (std::ranges::find(names, column) != names.end()) continue;
    updates += fmt::format("{0} = EXCLUDED.{0}, ", column);
  }
  return updates;
}

// The statement that inserts a row, or does `on_conflict` with the one that is there.
Statement insertSql(const EntityInfo& entity, const TableLayout& layout,
                    const std::string& on_conflict) {
  const std::vector<std::string> columns = columnsOf(entity);
  const std::string version = quoteIdentifier(kRowVersionColumn);
  std::vector<std::string> values;
  for (std::size_t i = 0; i < columns.size(); ++i) values.push_back(fmt::format("${}", i + 2));
  std::string sql = fmt::format(
      "INSERT INTO {0} ({1}, {2}) VALUES ({3}, {4}) ON CONFLICT ({5}) DO {6} RETURNING {2}, {5}",
      layout.table, fmt::join(columns, ", "), version, fmt::join(values, ", "),
      nextVersionUnderLock(layout), fmt::join(namesOf(layout.keys), ", "), on_conflict);
  return Statement(std::move(sql), fmt::format("put to {}", entity.table), Effect::kWrites);
}

// The rows of several keys of one column, for which the server takes the array's type from the
// column.
std::string selectAny(const EntityInfo& entity, const TableLayout& layout) {
  return fmt::format("{}{} = ANY($1)", selectFrom(entity, layout), namesOf(layout.keys).front());
}

// Of several columns. Each key by itself: joined to a list of keys, a table that was empty when the
// plan was made is read as a whole. The types are said without a length: a cast to varchar(5) would
// cut what is longer and find another row.
std::string selectEach(const EntityInfo& entity, const TableLayout& layout) {
  std::vector<std::string> arrays;
  std::vector<std::string> names;
  std::vector<std::string> conditions;
  for (const KeyColumn& key : layout.keys) {
    const std::size_t number = arrays.size() + 1;
    arrays.push_back(fmt::format("${}::{}[]", number, key.sql_type));
    names.push_back(fmt::format("k{}", number));
    conditions.push_back(fmt::format("{} = asked.k{}", quoteIdentifier(key.name), number));
  }
  return fmt::format(
      "SELECT found.* FROM unnest({}) AS asked({}) CROSS JOIN LATERAL ({}{} LIMIT 1) AS found",
      fmt::join(arrays, ", "), fmt::join(names, ", "), selectFrom(entity, layout),
      fmt::join(conditions, " AND "));
}

}  // namespace

Statement getSql(const EntityInfo& entity, const TableLayout& layout) {
  return Statement(selectFrom(entity, layout) + keyIs(layout.keys, 1),
                   fmt::format("get from {}", entity.table), Effect::kReads);
}

Statement getManySql(const EntityInfo& entity, const TableLayout& layout) {
  return Statement(layout.keys.size() == 1 ? selectAny(entity, layout) : selectEach(entity, layout),
                   fmt::format("get many from {}", entity.table), Effect::kReads, Bound::kPage);
}

// The uncorrelated subquery is evaluated once, before the row is looked for, and where there is none.
Statement lockSql(const EntityInfo& entity, const TableLayout& layout) {
  return Statement(fmt::format("{}{} AND (SELECT pg_advisory_xact_lock($1)) IS NOT NULL FOR UPDATE",
                               selectFrom(entity, layout), keyIs(layout.keys, 2)),
                   fmt::format("get and lock in {}", entity.table), Effect::kReads);
}

Statement putSql(const EntityInfo& entity, const TableLayout& layout) {
  return insertSql(entity, layout,
                   fmt::format("UPDATE SET {}{} = {}", updatesOf(entity, layout),
                               quoteIdentifier(kRowVersionColumn), nextVersion(layout)));
}

Statement putAbsentSql(const EntityInfo& entity, const TableLayout& layout) {
  return insertSql(entity, layout, "NOTHING");
}

Statement putPresentSql(const EntityInfo& entity, const TableLayout& layout) {
  std::vector<std::string> keys = namesOf(layout.keys);
  const std::string version = quoteIdentifier(kRowVersionColumn);
  std::string updates;
  std::vector<std::string> conditions(keys.size());
  std::size_t parameter = 2;
  for (const std::string& column : columnsOf(entity)) {
    const auto key = std::ranges::find(keys, column);
    if (key == keys.end()) {
      updates += fmt::format("{} = ${}, ", column, parameter++);
    } else {
      conditions[static_cast<std::size_t>(key - keys.begin())] =
          fmt::format("{} = ${}", column, parameter++);
    }
  }
  std::string sql = fmt::format(
      "UPDATE {0} SET {1}{2} = {3} WHERE {4} AND (SELECT pg_advisory_xact_lock($1)) IS NOT NULL"
      " AND coalesce({2}, 0) = ${5} RETURNING {2}, {6}",
      layout.table, updates, version, nextVersion(layout), fmt::join(conditions, " AND "),
      parameter, fmt::join(keys, ", "));
  return Statement(std::move(sql), fmt::format("put to {}", entity.table), Effect::kWrites);
}

Statement removeSql(const EntityInfo& entity, const TableLayout& layout) {
  std::string sql = fmt::format(
      "WITH gone AS (DELETE FROM {0} WHERE {1} AND ({2} <= $2) IS NOT FALSE"
      " AND pg_advisory_xact_lock($1) IS NOT NULL RETURNING {3} AS v) "
      "SELECT max(v), CASE WHEN max(v) IS NULL THEN {4} END FROM gone",
      layout.table, keyIs(layout.keys, 3), quoteIdentifier(kRowVersionColumn), nextVersion(layout),
      nextVersionUnderLock(layout));
  return Statement(std::move(sql), fmt::format("remove from {}", entity.table), Effect::kWrites);
}

// Ids that share a number only wait for each other.
std::int64_t lockOf(const EntityInfo& entity, const Id& id) {
  return static_cast<std::int64_t>(stableHash(fmt::format("{}:{}", entity.table, id.canonical())));
}

}  // namespace strata::postgres
