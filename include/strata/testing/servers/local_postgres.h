// LocalPostgres: a PostgreSQL of a test's own. LocalServers (local_servers.h) starts one.
//
//   auto standby = servers->postgres().startStandby();
//   ASSERT_OK(servers->postgres().kill());
//   ASSERT_OK((*standby)->promote());
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
  // The same with several hosts: this server and `others`, in this order.
  std::string urlWith(const std::vector<const LocalPostgres*>& others,
                      std::string_view database = "postgres") const;
  // Drops the database of this name if there is one, creates it empty, returns its URL.
  absl::StatusOr<std::string> createDatabase(const std::string& name);
  // Runs SQL past the proxy, on a connection of its own. Returns the rows of the last statement.
  // Unavailable: no connection. Internal: what PostgreSQL says about the SQL.
  absl::StatusOr<std::vector<Row>> query(const std::string& sql,
                                         const std::string& database = "postgres");

  // Starts a copy of this server, as it is now, that replays what this one writes, and waits until
  // it does so. It has the same users and databases and must not outlive the LocalServers of this
  // one. With the setting {"hot_standby", "off"} it refuses all clients ("starting up") until it is
  // promoted. Internal: quotes what pg_basebackup or the end of its log says.
  absl::StatusOr<std::unique_ptr<LocalPostgres>> startStandby(Settings settings = {});
  // Makes a standby a primary; waits until it takes writes. Internal: it is none.
  absl::Status promote();
  // Waits until `standby`, one of this server's, has replayed all that is written here by now.
  // DeadlineExceeded: it has not within a minute.
  absl::Status awaitReplay(LocalPostgres& standby);

 private:
  friend class LocalServers;
  LocalPostgres(internal::Guard& guard, std::string name, Settings settings,
                absl::Duration connect_timeout);
  absl::Status initialise();
  absl::Status copyFrom(const LocalPostgres& primary);
  absl::Status makeFolder();
  // Runs one of PostgreSQL's programs to its end, as the user of the server.
  absl::Status runProgram(const char* name, std::vector<std::string> arguments);
  std::vector<std::string> commandLine() const override;
  int stopSignal() const override;
  bool answers() override;

  internal::Guard& guard_;
  std::string folder_;
  std::string password_;
  Settings settings_;
  absl::Duration connect_timeout_;
  int standbys_ = 0;
};

}  // namespace strata::testing
