// The settings of a session that the answers of its statements depend on. A role, a database, the
// server's configuration or another client of a pooler may have changed any of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace strata::postgres {

// A SELECT of one row that tells what there is to know about a new connection and settles its
// settings. `client_backend` is the session's number as the client was told it: where the server
// says another one, there is a pooler between.
struct SetUp {
  // Whether the settings stay in the session.
  enum class Stay : std::uint8_t { kYes, kNo, kUnlessPooled };

  Stay stay = Stay::kYes;
  int client_backend = 0;
  // As PQserverVersion.
  int server_version = 0;
  // In milliseconds.
  std::int64_t statement_timeout = 0;
};
std::string setUpSql(const SetUp& set_up);

// The columns of its answer.
enum SetUpColumn : int {
  kIsPooled,
  kIsStandby,
  kReplicationRole,
  // The search_path to set, where the one there is finds other schemas' names before those of
  // pg_catalog; else null.
  kSearchPath,
};

// A SELECT that settles the settings for the transaction that it runs in. `statement_timeout` is an
// expression of SQL. `search_path` is set too, unless it is empty.
std::string localSettingsSql(std::string_view statement_timeout, std::string_view search_path);

}  // namespace strata::postgres
