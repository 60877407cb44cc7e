// What libpq hands out, owned.
#pragma once

#include <libpq-fe.h>

#include <memory>

namespace strata::postgres {

struct FreeConnection {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct FreeResult {
  void operator()(PGresult* result) const { PQclear(result); }
};
struct FreeNotify {
  void operator()(PGnotify* notify) const { PQfreemem(notify); }
};

using RawConnection = std::unique_ptr<PGconn, FreeConnection>;
using Result = std::unique_ptr<PGresult, FreeResult>;
using Notify = std::unique_ptr<PGnotify, FreeNotify>;

}  // namespace strata::postgres
