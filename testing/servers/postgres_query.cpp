#include "testing/servers/postgres_query.h"

#include <libpq-fe.h>

#include <memory>
#include <utility>

namespace strata::testing::internal {
namespace {

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

constexpr const char* kConnectTimeout = "10";

Connection connect(const std::map<std::string, std::string>& parameters) {
  std::vector<const char*> names = {"connect_timeout"};
  std::vector<const char*> values = {kConnectTimeout};
  for (const auto& [name, value] : parameters) {
    names.push_back(name.c_str());
    values.push_back(value.c_str());
  }
  names.push_back(nullptr);
  values.push_back(nullptr);
  return {PQconnectdbParams(names.data(), values.data(), 0), &PQfinish};
}

std::vector<LocalPostgres::Row> rowsOf(const PGresult* result) {
  std::vector<LocalPostgres::Row> rows(static_cast<std::size_t>(PQntuples(result)));
  for (int row = 0; row < PQntuples(result); ++row) {
    for (int column = 0; column < PQnfields(result); ++column) {
      auto& values = rows[static_cast<std::size_t>(row)];
      if (PQgetisnull(result, row, column) != 0) {
        values.emplace_back(std::nullopt);
      } else {
        values.emplace_back(PQgetvalue(result, row, column));
      }
    }
  }
  return rows;
}

}  // namespace

absl::StatusOr<std::vector<LocalPostgres::Row>> queryPostgres(
    const std::map<std::string, std::string>& parameters, const std::string& sql) {
  const Connection connection = connect(parameters);
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    return absl::UnavailableError(PQerrorMessage(connection.get()));
  }
  const Result result(PQexec(connection.get(), sql.c_str()), &PQclear);
  const ExecStatusType outcome = PQresultStatus(result.get());
  if (outcome == PGRES_TUPLES_OK || outcome == PGRES_COMMAND_OK) return rowsOf(result.get());
  return absl::InternalError(PQerrorMessage(connection.get()));
}

}  // namespace strata::testing::internal
