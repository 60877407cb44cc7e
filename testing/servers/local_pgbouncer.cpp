#include "strata/testing/servers/local_pgbouncer.h"

#include <fmt/core.h>
#include <signal.h>

#include <filesystem>
#include <utility>

#include "testing/servers/local_guard.h"
#include "testing/servers/postgres_query.h"
#include "testing/servers/server_account.h"
#include "testing/servers/spawn.h"

namespace strata::testing {
namespace {

std::string program() { return internal::findProgram("pgbouncer", {"/usr/sbin"}); }

// It takes its port from a file only.
constexpr const char* kStart =
    R"sh(sed "s/^listen_port .*/listen_port = $3/" "$2/template" >"$2/ini" && exec "$1" "$2/ini")sh";

std::string_view nameOf(PoolMode mode) {
  return mode == PoolMode::kSession ? "session" : "transaction";
}

}  // namespace

absl::StatusOr<std::unique_ptr<LocalPgBouncer>> LocalPgBouncer::start(
    const LocalPostgres& server, LocalPgBouncerOptions options) {
  absl::StatusOr<std::unique_ptr<internal::Guard>> guard = internal::Guard::start();
  if (!guard.ok()) return guard.status();
  const bool proxied = options.proxied;
  std::unique_ptr<LocalPgBouncer> pooler(new LocalPgBouncer(*std::move(guard), server, options));
  if (absl::Status status = pooler->initialise(); !status.ok()) return status;
  if (absl::Status status = pooler->startOnFreePort(proxied); !status.ok()) return status;
  return pooler;
}

LocalPgBouncer::LocalPgBouncer(std::unique_ptr<internal::Guard> guard, const LocalPostgres& server,
                               LocalPgBouncerOptions options)
    : LocalServer(*guard, "pgbouncer"),
      guard_(std::move(guard)),
      server_(server),
      options_(options),
      folder_(guard_->folder() + "/pgbouncer") {
  // "postgresql://user:password@…"
  const std::string url = server_.url();
  const std::size_t user = url.find("//") + 2;
  const std::size_t password = url.find(':', user) + 1;
  user_ = url.substr(user, password - 1 - user);
  password_ = url.substr(password, url.find('@') - password);
}

LocalPgBouncer::~LocalPgBouncer() = default;

absl::Status LocalPgBouncer::initialise() {
  if (program().empty()) {
    return absl::FailedPreconditionError("no PgBouncer here: install the package pgbouncer");
  }
  std::filesystem::create_directory(folder_);
  if (absl::Status status = internal::giveToServerAccount(folder_); !status.ok()) return status;
  absl::Status status =
      internal::writeSecret(folder_ + "/users", fmt::format("\"{}\" \"{}\"\n", user_, password_));
  if (!status.ok()) return status;
  // Whom the file of users does not name the server is asked about.
  return internal::writeSecret(
      folder_ + "/template",
      fmt::format("[databases]\n"
                  "* = host=127.0.0.1 port={0}\n"
                  "[pgbouncer]\n"
                  "listen_addr = 127.0.0.1\n"
                  "listen_port = 0\n"
                  "unix_socket_dir =\n"
                  "auth_type = scram-sha-256\n"
                  "auth_file = {1}/users\n"
                  "auth_user = {2}\n"
                  "auth_query = SELECT usename, passwd FROM pg_shadow WHERE usename = $1\n"
                  "admin_users = {2}\n"
                  "pool_mode = {3}\n"
                  "default_pool_size = {4}\n"
                  "max_client_conn = 500\n",
                  server_.port(), folder_, user_, nameOf(options_.mode), options_.sessions));
}

std::vector<std::string> LocalPgBouncer::commandLine() const {
  return internal::asServerAccount(
      {"/bin/sh", "-c", kStart, "sh", program(), folder_, std::to_string(ownPort())});
}

// At once, where SIGINT would wait for the clients.
int LocalPgBouncer::stopSignal() const { return SIGTERM; }

bool LocalPgBouncer::answers() { return query("SHOW VERSION", "pgbouncer").ok(); }

std::string LocalPgBouncer::url(std::string_view database) const {
  const std::string url = server_.url(database);
  const std::size_t begin = url.find('@') + 1;
  std::string changed = url;
  return changed.replace(begin, url.find('/', begin) - begin, fmt::format("127.0.0.1:{}", port()));
}

absl::StatusOr<std::vector<LocalPostgres::Row>> LocalPgBouncer::query(const std::string& sql,
                                                                      const std::string& database) {
  return internal::queryPostgres({{"host", "127.0.0.1"},
                                  {"port", std::to_string(ownPort())},
                                  {"user", user_},
                                  {"password", password_},
                                  {"dbname", database}},
                                 sql);
}

}  // namespace strata::testing
