// The SQL of a store, written once per table. No value ever stands in it.
#pragma once

#include <cstdint>

#include "adapters/postgres/client/statement.h"
#include "adapters/postgres/schema/schema.h"
#include "strata/records/entity.h"

namespace strata::postgres {

// Of every row read: first its version, then its own id where the table has such a column, then the
// fields in the order of the description.
inline constexpr int kVersionColumn = 0;

// $1 …: the key columns.
Statement getSql(const EntityInfo& entity, const TableLayout& layout);
// $1: the lock of the id. $2 …: the key columns. Takes the lock and that of the row, until the end of
// the transaction. Its finding none is as old as its wait for the lock: ask again then.
Statement lockSql(const EntityInfo& entity, const TableLayout& layout);
// $1 …: an array of values for each key column.
Statement getManySql(const EntityInfo& entity, const TableLayout& layout);
// $1: the lock of the id. $2 …: the own id where there is one, then the fields. Answers the
// version, and then the key columns as they are stored.
Statement putSql(const EntityInfo& entity, const TableLayout& layout);
// The same parameters. Answers nothing, and stores nothing, where there is such a row.
Statement putAbsentSql(const EntityInfo& entity, const TableLayout& layout);
// The same parameters, and last the version (0 for a row without one). Answers nothing, and stores
// nothing, where there is no such row of that version.
Statement putPresentSql(const EntityInfo& entity, const TableLayout& layout);
// $1: the lock of the id. $2: the newest version to remove. $3 …: the key columns. Answers the
// version of the removal if a row was removed, and else, in the second column, of finding none.
Statement removeSql(const EntityInfo& entity, const TableLayout& layout);

// The number under which the writers of one id take turns; the same in every process.
std::int64_t lockOf(const EntityInfo& entity, const Id& id);

}  // namespace strata::postgres
