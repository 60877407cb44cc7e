#include "strata/base/secret_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "src/base/secret_source.h"
#include "strata/testing/status_matchers.h"
#include "tests/base/secret_file.h"

namespace strata {
namespace {

using internal::askForSecret;
using internal::logInWithNewest;
using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using ::testing::Not;
using testing::SecretFile;
using testing::StatusIs;

constexpr auto kFailedPrecondition = absl::StatusCode::kFailedPrecondition;

TEST(SecretFile, IsReadEachTimeWithoutTheLineBreakAtItsEnd) {
  SecretFile file("first");
  const SecretSource source = secretFile(file.path());
  EXPECT_EQ(source()->reveal(), "first");
  for (const char* text : {"second\n", "second\r\n"}) {
    file.replace(text);
    EXPECT_EQ(source()->reveal(), "second");
  }
  file.replace(" with blanks ");
  EXPECT_EQ(source()->reveal(), " with blanks ");
  file.replace(std::string(64 * 1024, 'x'));
  EXPECT_EQ(source()->reveal().size(), 64U * 1024);
}

// B-79
TEST(SecretFile, SaysWhatIsWrongWithAFileAndNothingOfItsContent) {
  SecretFile file("x");
  const auto refused = [&](const std::string& text, const char* why) {
    file.replace(text);
    EXPECT_THAT(secretFile(file.path())(),
                StatusIs(kFailedPrecondition,
                         AllOf(HasSubstr(file.path()), HasSubstr(why), Not(HasSubstr("hunter2")))));
  };
  refused("", "is empty");
  refused("\n", "is empty");
  refused("hunter2\n\n", "more than one line break");
  refused(std::string("hunter2\0", 8), "NUL");
  refused("hunter2" + std::string(64 * 1024, 'x'), "larger than 64 KiB");
  const std::string folder = std::filesystem::temp_directory_path().string();
  EXPECT_THAT(secretFile(folder)(),
              StatusIs(kFailedPrecondition, AllOf(HasSubstr(folder), HasSubstr("regular"))));
  file.remove();
  EXPECT_THAT(secretFile(file.path())(), StatusIs(kFailedPrecondition, HasSubstr("not exist")));
  ASSERT_EQ(::mkfifo(file.path().c_str(), 0600), 0);
  EXPECT_THAT(secretFile(file.path())(), StatusIs(kFailedPrecondition, HasSubstr("regular")))
      << "and does not wait for somebody to write";
}

// B-79
TEST(SecretSource, AnExceptionOrAnUnusableSecretBecomesAStatus) {
  const auto throwing = askForSecret(
      []() -> absl::StatusOr<Secret> { throw std::runtime_error("hunter2 is wrong"); });
  EXPECT_THAT(throwing, StatusIs(absl::StatusCode::kInternal, Not(HasSubstr("hunter2"))));
  EXPECT_THAT(askForSecret([]() -> absl::StatusOr<Secret> { throw 7; }),
              StatusIs(absl::StatusCode::kInternal));
  EXPECT_THAT(askForSecret([] { return absl::StatusOr<Secret>(Secret()); }),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("empty")));
  EXPECT_THAT(askForSecret([] { return absl::StatusOr<Secret>(Secret(std::string("a\0b", 3))); }),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("NUL")));
  EXPECT_THAT(askForSecret([] {
                return absl::StatusOr<Secret>(absl::UnavailableError("no identity service"));
              }),
              StatusIs(absl::StatusCode::kUnavailable, HasSubstr("identity service")));
}

// Logs in where only `right` is accepted, with the secrets of `source` one after the other.
struct Attempts {
  absl::StatusOr<int> logIn(std::vector<std::string> secrets, const std::string& right) {
    std::size_t next = 0;
    return logInWithNewest(
        [&] {
          ++asked;
          return absl::StatusOr<Secret>(secrets[std::min(next++, secrets.size() - 1)]);
        },
        [&](const Secret& secret) -> absl::StatusOr<int> {
          ++tried;
          if (secret.reveal() != right) return absl::PermissionDeniedError("wrong");
          return tried;
        });
  }
  int asked = 0;
  int tried = 0;
};

TEST(LogInWithNewest, TriesOnceMoreWithAnotherSecretOnly) {
  Attempts accepted;
  EXPECT_THAT(accepted.logIn({"right"}, "right"), IsOk());
  EXPECT_EQ(accepted.asked, 1);
  Attempts changed;
  EXPECT_THAT(changed.logIn({"old", "right"}, "right"), IsOk());
  EXPECT_EQ(changed.tried, 2);
  Attempts same;
  EXPECT_THAT(same.logIn({"old"}, "right"), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(same.tried, 1);
  EXPECT_EQ(same.asked, 2);
  Attempts late;
  EXPECT_THAT(late.logIn({"a", "b", "right"}, "right"),
              StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_EQ(late.tried, 2);
}

}  // namespace
}  // namespace strata
