// The id of a database: what keeps cached copies of its rows apart from those of another database.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "adapters/postgres/client/pool.h"

namespace strata::postgres {

// An id of the database and of the schema that `table` is in, the same in every process; a table
// that does not exist counts as one of current_schema(). None: there is no way to have one.
//
// The table strata_identity holds the id of the database. Where it is missing it is made, if
// `may_create` and the role may: under the same id that a role without that right then works out,
// from the system identifier of the server and the oid of the database. So processes agree whichever
// comes first. A role that may not ask for the system identifier cannot do without the table.
//
// The errors of the pool. That strata_identity cannot be made is none.
absl::StatusOr<std::optional<std::string>> databaseIdentity(Pool& pool, std::string_view table,
                                                            bool may_create);

// In a transaction: makes the table strata_identity, with its row, where it is missing and the role
// may.
absl::Status createIdentity(Connection& connection);

}  // namespace strata::postgres
