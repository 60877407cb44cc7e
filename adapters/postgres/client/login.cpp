// How a connection gets a password that may change.
#include <memory>

#include "absl/status/statusor.h"
#include "adapters/postgres/client/connection.h"
#include "src/base/secret_source.h"

namespace strata::postgres {

absl::StatusOr<std::unique_ptr<Connection>> Connection::open(const Settings& settings,
                                                             Watchdog& watchdog,
                                                             const Clock& clock) {
  const SecretSource& source = settings.where.password_source;
  if (source == nullptr) return openOnce(settings, watchdog, clock);
  return internal::logInWithNewest(source, [&](const Secret& password) {
    Settings with_password = settings;
    with_password.where = settings.where.withPassword(password);
    return openOnce(with_password, watchdog, clock);
  });
}

}  // namespace strata::postgres
