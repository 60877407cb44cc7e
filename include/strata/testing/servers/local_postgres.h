// LocalPostgres: a PostgreSQL of a test's own. LocalServers (local_servers.h) starts one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "strata/testing/servers/local_server.h"

namespace strata::testing {

// For one thread at a time, but for url() and query(), which are thread-safe.
class LocalPostgres final : public LocalServer {
 public:
  using Settings = std::vector<std::pair<std::string, std::string>>;
  // Null is none.
  using Row = std::vector<std::optional<std::string>>;

  // "postgresql://user:password@127.0.0.1:port/database". The user is a superuser.
  std::string url(std::string_view database = "postgres") const;
  // Drops the database of this name if there is one, creates it empty, returns its URL.
  absl::StatusOr<std::string> createDatabase(const std::string& name);
  // Runs SQL past the proxy, on a connection of its own. Returns the rows of the last statement.
  // Unavailable: no connection. Internal: what PostgreSQL says about the SQL.
  absl::StatusOr<std::vector<Row>> query(const std::string& sql,
                                         const std::string& database = "postgres");

 private:
  friend class LocalServers;
  LocalPostgres(internal::Guard& guard, Settings settings, absl::Duration connect_timeout);
  absl::Status initialise();
  std::vector<std::string> commandLine() const override;
  int stopSignal() const override;
  bool answers() override;

  std::string folder_;
  std::string password_;
  Settings settings_;
  absl::Duration connect_timeout_;
};

}  // namespace strata::testing
