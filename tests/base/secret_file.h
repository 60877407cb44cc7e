// SecretFile: a file of a test's own with a secret in it, which may be replaced, as a cluster
// rotates a password.
//
//   SecretFile file("first");
//   config.database_password_file = file.path();
//   file.replace("second");
#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace strata::testing {

// For one thread at a time; whoever reads the file finds one secret or the other, whole.
class SecretFile {
 public:
  explicit SecretFile(std::string_view secret)
      : path_(std::filesystem::temp_directory_path() / nextName()) {
    replace(secret);
  }
  ~SecretFile() { std::filesystem::remove(path_); }
  SecretFile(const SecretFile&) = delete;
  SecretFile& operator=(const SecretFile&) = delete;

  std::string path() const { return path_.string(); }
  void replace(std::string_view secret) {
    const std::string next = path() + ".next";
    std::ofstream(next, std::ios::binary) << secret;
    std::filesystem::rename(next, path_);
  }
  void remove() { std::filesystem::remove(path_); }

 private:
  static std::string nextName() {
    static std::atomic<int> count{0};
    return "strata-secret-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
  }

  const std::filesystem::path path_;
};

}  // namespace strata::testing
