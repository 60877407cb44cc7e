#include "src/base/secret_source.h"
#include "strata/base/internal/user_calls.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string_view>

namespace strata {
namespace {

// Tokens take a few kilobytes, and PostgreSQL accepts no longer one.
constexpr std::size_t kMostBytes = 64 * 1024;

absl::Status wrong(const std::string& path, std::string_view why) {
  return absl::FailedPreconditionError(fmt::format("the file {} {}", path, why));
}

std::string_view reasonOf(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "does not exist";
    case EACCES:
    case EPERM:
      return "may not be read by this user";
    default:
      return "cannot be read";
  }
}

class File {
 public:
  // Not waiting for a writer, where it is a pipe.
  explicit File(const std::string& path)
      : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (isOpen()) ::close(file_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool isOpen() const { return file_ >= 0; }
  bool isRegular() const {
    struct stat status {};
    return ::fstat(file_, &status) == 0 && S_ISREG(status.st_mode);
  }
  // Up to `most` bytes; false: an error.
  bool read(std::string& out, std::size_t most) const {
    out.resize(most);
    std::size_t size = 0;
    while (size < most) {
      const ssize_t got = ::read(file_, out.data() + size, most - size);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return false;
      if (got == 0) break;
      size += static_cast<std::size_t>(got);
    }
    out.resize(size);
    return true;
  }

 private:
  const int file_;
};

absl::StatusOr<Secret> readFile(const std::string& path) {
  const File file(path);
  if (!file.isOpen()) return wrong(path, reasonOf(errno));
  if (!file.isRegular()) return wrong(path, "is no regular file");
  std::string text;
  if (!file.read(text, kMostBytes + 1)) return wrong(path, "cannot be read");
  if (text.size() > kMostBytes) return wrong(path, "is larger than 64 KiB");
  if (text.ends_with('\n')) {
    text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
  }
  if (text.empty()) return wrong(path, "is empty");
  if (text.ends_with('\n') || text.ends_with('\r')) {
    return wrong(path, "has more than one line break at its end");
  }
  if (text.find('\0') != std::string::npos) return wrong(path, "holds a NUL byte");
  return Secret(std::move(text));
}

}  // namespace

SecretSource secretFile(std::string path) {
  return [path = std::move(path)] { return readFile(path); };
}

namespace internal {

absl::StatusOr<Secret> askForSecret(const SecretSource& source) {
  absl::StatusOr<Secret> secret = callOut("the callback for the password", source);
  if (!secret.ok()) return secret;
  if (secret->empty()) return absl::InvalidArgumentError("the password is empty");
  if (secret->reveal().find('\0') != std::string::npos) {
    return absl::InvalidArgumentError("the password holds a NUL byte");
  }
  return secret;
}

}  // namespace internal
}  // namespace strata
