// How a connection gets a password that may change.
#include <memory>

#include "absl/status/statusor.h"
#include "adapters/redis/client/connection.h"
#include "src/base/secret_source.h"

namespace strata::internal {

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::open(
    const RedisAddress& address, const RedisIntroduction& introduction, IoTime until) {
  const SecretSource& source = introduction.login->password_source;
  if (source == nullptr) return openOnce(address, introduction, until);
  return logInWithNewest(source, [&](const Secret& password) {
    RedisLogin login = *introduction.login;
    login.password = password;
    RedisIntroduction with_password = introduction;
    with_password.login = &login;
    return openOnce(address, with_password, until);
  });
}

}  // namespace strata::internal
