#include "strata/testing/servers/local_postgres.h"

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "strata/testing/eventually.h"
#include "testing/servers/local_guard.h"
#include "testing/servers/postgres_query.h"
#include "testing/servers/server_account.h"
#include "testing/servers/server_process.h"
#include "testing/servers/spawn.h"

namespace strata::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUser = "strata";
constexpr absl::Duration kProgramTimeout = absl::Minutes(1);

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

std::string randomPassword() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}", random(), random(), random());
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
  if (absl::Status status = internal::writeSecret(password_file, password_); !status.ok())
    return status;
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
  return internal::giveToServerAccount(folder_);
}

absl::Status LocalPostgres::runProgram(const char* name, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), program(name));
  internal::ServerProcess process(guard_, fmt::format("{}.{}.log", folder_, name));
  absl::Status status = process.spawn(internal::asServerAccount(std::move(arguments)));
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
  absl::Status status =
      internal::writeSecret(password_file, fmt::format("*:*:*:*:{}\n", password_));
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
  return internal::asServerAccount(std::move(command));
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
  return internal::queryPostgres({{"host", folder_},
                                  {"port", std::to_string(ownPort())},
                                  {"user", kUser},
                                  {"password", password_},
                                  {"dbname", database},
                                  {"options", "-c client_min_messages=warning"}},
                                 sql);
}

}  // namespace strata::testing
