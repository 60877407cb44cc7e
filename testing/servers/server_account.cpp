#include "testing/servers/server_account.h"

#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

namespace strata::testing::internal {
namespace {

constexpr const char* kServerAccount = "postgres";

}  // namespace

std::vector<std::string> asServerAccount(std::vector<std::string> command) {
  if (geteuid() != 0) return command;
  const std::string account = kServerAccount;
  command.insert(command.begin(),
                 {"setpriv", "--reuid=" + account, "--regid=" + account, "--clear-groups"});
  return command;
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

}  // namespace strata::testing::internal
