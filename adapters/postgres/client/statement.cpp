#include "adapters/postgres/client/statement.h"

#include <utility>

#include "strata/base/hash.h"

namespace strata::postgres {

Statement::Statement(std::string sql, std::string what, Effect effect, Bound bound)
    : sql_(std::move(sql)),
      what_(std::move(what)),
      effect_(effect),
      bound_(bound),
      key_(stableHash(sql_)) {}

}  // namespace strata::postgres
