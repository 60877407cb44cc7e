#include "adapters/postgres/client/pooler.h"

#include "strata/base/logging.h"

namespace strata::postgres {

void Pooler::recognise(std::string_view sign) {
  if (seen_.exchange(true) || policy_ != PrepareStatements::kAuto) return;
  log(Severity::kWarning, "strata.postgres.pooler",
      {{"place", place_},
       {"sign", std::string(sign)},
       {"effect", "each statement is parsed anew, with its settings"},
       {"advice",
        "DATABASE_PREPARE_STATEMENTS=on if it is in session mode, off to say so without this "
        "warning; DATABASE_DIRECT_URL for event hubs and scripts"}});
}

}  // namespace strata::postgres
