#include "strata/testing/servers/local_postgres.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <random>

#include "strata/testing/eventually.h"
#include "testing/servers/local_guard.h"
#include "testing/servers/server_process.h"
#include "testing/servers/spawn.h"

namespace strata::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUser = "strata";
// PostgreSQL refuses to run as root; Debian's package creates this user.
constexpr const char* kServerAccount = "postgres";
constexpr absl::Duration kProgramTimeout = absl::Minutes(1);

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

// Debian keeps each version in a folder of its own, outside of PATH. The newest first.
std::vector<std::string> versionFolders() {
  std::vector<std::pair<double, std::string>> found;
  std::error_code missing;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", missing)) {
    found.emplace_back(std::atof(entry.path().filename().c_str()), entry.path() / "bin");
  }
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> folders;
  folders.reserve(found.size());
  for (auto& [version, folder] : found) folders.push_back(std::move(folder));
  return folders;
}

std::string program(const char* name) { return internal::findProgram(name, versionFolders()); }

std::vector<std::string> asServerAccount(std::vector<std::string> command) {
  if (geteuid() != 0) return command;
  const std::string account = kServerAccount;
  command.insert(command.begin(),
                 {"setpriv", "--reuid=" + account, "--regid=" + account, "--clear-groups"});
  return command;
}

std::string randomPassword() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}", random(), random(), random());
}

absl::Status giveToServerAccount(const std::string& path) {
  if (geteuid() != 0) return absl::OkStatus();
  const passwd* account = getpwnam(kServerAccount);
  if (account == nullptr) {
    return absl::FailedPreconditionError("no user postgres: install the package postgresql");
  }
  if (chown(path.c_str(), account->pw_uid, account->pw_gid) == 0) return absl::OkStatus();
  return absl::InternalError("cannot give a folder to user postgres");
}

absl::Status writeSecret(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  const bool written =
      file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (file >= 0) close(file);
  return written ? giveToServerAccount(path) : absl::InternalError("cannot write " + path);
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

// `name` as an SQL identifier.
std::string quoted(const std::string& name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"') text += '"';
    text += c;
  }
  return text + '"';
}

}  // namespace

LocalPostgres::LocalPostgres(internal::Guard& guard, std::string name, Settings settings,
                             absl::Duration connect_timeout)
    : LocalServer(guard, name),
      guard_(guard),
      folder_(fmt::format("{}/{}", guard.folder(), name)),
      password_(randomPassword()),
      settings_(std::move(settings)),
      connect_timeout_(connect_timeout) {}

absl::Status LocalPostgres::initialise() {
  if (program("initdb").empty() || program("postgres").empty()) {
    return absl::FailedPreconditionError("no PostgreSQL here: install the package postgresql");
  }
  if (absl::Status status = makeFolder(); !status.ok()) return status;
  const std::string password_file = folder_ + ".password";
  if (absl::Status status = writeSecret(password_file, password_); !status.ok()) return status;
  absl::Status status =
      runProgram("initdb", {"--pgdata=" + folder_, "--username", kUser, "--pwfile=" + password_file,
                            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
                            "--no-instructions"});
  fs::remove(password_file);
  return status;
}

absl::Status LocalPostgres::makeFolder() {
  fs::create_directory(folder_);
  fs::permissions(folder_, fs::perms::owner_all);
  return giveToServerAccount(folder_);
}

absl::Status LocalPostgres::runProgram(const char* name, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program(name));
  internal::ServerProcess process(guard_, fmt::format("{}.{}.log", folder_, name));
  absl::Status status = process.spawn(asServerAccount(std::move(arguments)));
  if (!status.ok()) return status;
  const bool ended = process.waitForEnd(kProgramTimeout);
  if (ended && process.exitCode() == 0) return absl::OkStatus();
  process.killAll();
  return absl::InternalError(fmt::format("{} failed:\n{}", name, process.logTail()));
}

absl::StatusOr<std::unique_ptr<LocalPostgres>> LocalPostgres::startStandby(Settings settings) {
  settings.insert(settings.begin(), settings_.begin(), settings_.end());
  const std::string name =
      fmt::format("{}-standby-{}", fs::path(folder_).filename().string(), ++standbys_);
  std::unique_ptr<LocalPostgres> standby(
      new LocalPostgres(guard_, name, std::move(settings), connect_timeout_));
  if (absl::Status status = standby->copyFrom(*this); !status.ok()) return status;
  if (absl::Status status = standby->startOnFreePort(false); !status.ok()) return status;
  return standby;
}

// Over the Unix socket, past any proxy; so does the standby follow later, for pg_basebackup writes
// its own way to the primary into the copy.
absl::Status LocalPostgres::copyFrom(const LocalPostgres& primary) {
  password_ = primary.password_;
  if (absl::Status status = makeFolder(); !status.ok()) return status;
  const std::string password_file = folder_ + ".password";
  absl::Status status = writeSecret(password_file, fmt::format("*:*:*:*:{}\n", password_));
  if (!status.ok()) return status;
  const std::string primary_place =
      fmt::format("host={} port={} user={} passfile={}", primary.folder_, primary.ownPort(), kUser,
                  password_file);
  return runProgram("pg_basebackup",
                    {"--pgdata=" + folder_, "--dbname=" + primary_place, "--wal-method=stream",
                     "--checkpoint=fast", "--write-recovery-conf", "--no-sync"});
}

absl::Status LocalPostgres::promote() {
  return runProgram("pg_ctl", {"promote", "-D", folder_, "-w"});
}

absl::Status LocalPostgres::awaitReplay(LocalPostgres& standby) {
  const auto written = query("SELECT pg_current_wal_insert_lsn()");
  if (!written.ok()) return written.status();
  const std::string replayed = fmt::format(
      "SELECT 1 WHERE pg_last_wal_replay_lsn() >= '{}'::pg_lsn", (*written)[0][0].value_or(""));
  const auto done = [&] {
    const auto rows = standby.query(replayed);
    return rows.ok() && !rows->empty();
  };
  if (eventually(done, kProgramTimeout)) return absl::OkStatus();
  return absl::DeadlineExceededError("the standby does not replay");
}

std::vector<std::string> LocalPostgres::commandLine() const {
  Settings settings = {
      {"listen_addresses", "127.0.0.1"},
      {"port", std::to_string(ownPort())},
      {"unix_socket_directories", folder_},
      {"max_connections", "200"},
      {"shared_buffers", "32MB"},
      {"fsync", "off"},
      {"synchronous_commit", "off"},
      {"full_page_writes", "off"},
      // In the folder, so that it goes with it, however the server ends.
      {"dynamic_shared_memory_type", "mmap"},
  };
  settings.insert(settings.end(), settings_.begin(), settings_.end());
  std::vector<std::string> command = {program("postgres"), "-D", folder_};
  for (const auto& [name, value] : settings) {
    command.insert(command.end(), {"-c", fmt::format("{}={}", name, value)});
  }
  return asServerAccount(std::move(command));
}

// A "fast" shutdown: clients are disconnected, transactions rolled back.
int LocalPostgres::stopSignal() const { return SIGINT; }

// A standby may be told to answer all clients with a refusal.
bool LocalPostgres::answers() {
  const absl::Status status = query("SELECT 1").status();
  return status.ok() || status.message().find("Hot standby mode is disabled") != std::string::npos;
}

std::string LocalPostgres::url(std::string_view database) const {
  std::string url =
      fmt::format("postgresql://{}:{}@127.0.0.1:{}/{}", kUser, password_, port(), database);
  const auto seconds = absl::ToInt64Seconds(connect_timeout_);
  if (seconds > 0) url += fmt::format("?connect_timeout={}", seconds);
  return url;
}

std::string LocalPostgres::urlWith(const std::vector<const LocalPostgres*>& others,
                                   std::string_view database) const {
  std::string places = fmt::format("127.0.0.1:{}", port());
  for (const LocalPostgres* other : others) places += fmt::format(",127.0.0.1:{}", other->port());
  std::string text = url(database);
  const std::size_t start = text.find('@') + 1;
  return text.replace(start, text.find('/', start) - start, places);
}

absl::StatusOr<std::string> LocalPostgres::createDatabase(const std::string& name) {
  auto dropped = query(fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name)));
  if (!dropped.ok()) return dropped.status();
  auto created = query(fmt::format("CREATE DATABASE {}", quoted(name)));
  if (!created.ok()) return created.status();
  return url(name);
}

absl::StatusOr<std::vector<LocalPostgres::Row>> LocalPostgres::query(const std::string& sql,
                                                                     const std::string& database) {
  const std::string port = std::to_string(ownPort());
  const std::array<const char*, 8> names = {
      "host", "port", "user", "password", "dbname", "connect_timeout", "options", nullptr};
  const std::array<const char*, 8> values = {folder_.c_str(),
                                             port.c_str(),
                                             kUser,
                                             password_.c_str(),
                                             database.c_str(),
                                             "10",
                                             "-c client_min_messages=warning",
                                             nullptr};
  const Connection connection(PQconnectdbParams(names.data(), values.data(), 0), &PQfinish);
  if (PQstatus(connection.get()) != CONNECTION_OK) {
    return absl::UnavailableError(PQerrorMessage(connection.get()));
  }
  const Result result(PQexec(connection.get(), sql.c_str()), &PQclear);
  const ExecStatusType outcome = PQresultStatus(result.get());
  if (outcome == PGRES_TUPLES_OK || outcome == PGRES_COMMAND_OK) return rowsOf(result.get());
  return absl::InternalError(PQerrorMessage(connection.get()));
}

}  // namespace strata::testing
