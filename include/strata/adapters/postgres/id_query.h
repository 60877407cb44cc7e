// idsFromQuery: the ids that a SELECT answers, page by page, for warming a cache.
//
//   auto ids = idsFromQuery(pool, "SELECT region || ':' || name FROM flags WHERE enabled");
//   WarmReport report = warm(*flags, ids);
//
// Not for: data of callers in the SELECT. It is the operator's own text, and nothing of it is
// bound.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/base/deadline.h"
#include "strata/cache/tools/cache_warming.h"

namespace strata {

struct IdQueryOptions {
  // Ids of one page, 1 to 100 000.
  std::size_t page_size = 1000;
  // Of every page.
  Deadline deadline = {};
};

// The first column of `select` is the ids as canonical text (Id::canonical); for most tables that
// is the key column, and for several key columns, whose texts need no percent-encoding, the columns
// joined by ':'. Rows where it is NULL or empty are left out, and each id comes once.
//
// Each page is a query of its own that begins after the last id of the page before (keyset
// pagination, in the order of bytes): no connection and no snapshot is held in between, and each
// page costs the SELECT anew unless an index can serve it. A ':' in `select` may only stand in '::'
// or inside quotes.
//
// The source's errors are those of PostgresPool; InvalidArgument too for an option out of its
// range, or a text that is no canonical id.
IdSource idsFromQuery(std::shared_ptr<PostgresPool> pool, std::string_view select,
                      const IdQueryOptions& options = {});

}  // namespace strata
