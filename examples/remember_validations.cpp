// A service that asks an identity provider whether its callers are who they say, and remembers the
// answer. With REDIS_URL set its processes share the answers.
#include <cstdlib>
#include <iostream>

#include "strata/factories/config.h"
#include "strata/factories/validation_cache_factory.h"

namespace {

// In place of the identity provider.
class Identity {
 public:
  absl::StatusOr<strata::Validation> ask(std::string_view user) {
    ++questions;
    return strata::Validation{.is_valid = user == "alice" && !is_blocked,
                              .checked_at = strata::Clock::system().wallTime(),
                              .tenant_id = "t1"};
  }
  int questions = 0;
  bool is_blocked = false;
};

int answer(std::string_view user, strata::ValidationCache& validations, Identity& identity) {
  auto verdict = validations.validate(user, [&] { return identity.ask(user); });
  if (!verdict.ok()) return 503;  // nobody knows
  return verdict->is_valid ? 200 : 401;
}

}  // namespace

int main() {
  const auto config = strata::configFromEnv();
  if (!config.ok()) return EXIT_FAILURE;
  auto validations = strata::createValidationCache(*config);
  if (!validations.ok()) return EXIT_FAILURE;

  Identity identity;
  if (!(*validations)->invalidate("alice").ok()) return EXIT_FAILURE;
  int last = 0;
  for (int i = 0; i < 3; ++i) last = answer("alice", **validations, identity);
  std::cout << identity.questions << " question for three requests\n";
  if (last != 200 || identity.questions != 1) return EXIT_FAILURE;

  identity.is_blocked = true;                                          // first the truth changes,
  if (!(*validations)->invalidate("alice").ok()) return EXIT_FAILURE;  // then it is forgotten
  return answer("alice", **validations, identity) == 401 ? EXIT_SUCCESS : EXIT_FAILURE;
}
