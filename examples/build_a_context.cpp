// What an assistant is told about a user before a session, and any set of stores read at once. With
// DATABASE_URL and REDIS_URL set, from there; otherwise in memory.
#include <cstdlib>
#include <iostream>
#include <string>

#include "strata/decorators/fetch_all.h"
#include "strata/factories/backends.h"
#include "strata/factories/clarify_store_factory.h"
#include "strata/factories/config.h"
#include "strata/factories/context_builder_factory.h"

namespace {

absl::Status remember(const strata::ClarifyStores& clarify, const std::string& user) {
  auto profile = clarify.users->put({.id = user, .name = "Ada"});
  if (!profile.ok()) return profile.status();
  auto dream = clarify.dreams->create({.user_id = user, .title = "Fly over the sea"});
  if (!dream.ok()) return dream.status();
  return clarify.sessions->create({.user_id = user, .title = "What holds me"}).status();
}

// What a prompt begins with.
absl::StatusOr<std::string> promptFor(strata::ContextBuilder& builder, const std::string& user,
                                      const std::string& session) {
  auto context = builder.build(user, session);
  if (!context.ok()) return context.status();  // nobody's id
  for (strata::ContextSource source : context->failed) {
    std::cerr << "without " << strata::toString(source) << "\n";
  }
  return context->text;
}

// The same lists for a page of the application.
void printCounts(const strata::ContextSources& sources, const std::string& user) {
  const auto [profile, dreams] = strata::fetchAll({}, strata::fetch(*sources.user, user),
                                                  strata::fetch(*sources.dreams, user));
  if (profile.ok() && *profile != nullptr) std::cout << (*profile)->name.value_or(user);
  if (dreams.ok()) std::cout << " has dreams: " << (*dreams)->dreams.size() << "\n";
}

absl::Status run() {
  auto config = strata::configFromEnv();
  if (!config.ok()) return config.status();
  auto backends = strata::connect(*config);
  if (!backends.ok()) return backends.status();
  auto clarify = strata::createClarifyStores(*backends);
  if (!clarify.ok()) return clarify.status();
  auto builder = strata::createContextBuilder(*backends, clarify->sources);
  if (!builder.ok()) return builder.status();

  const std::string user = "ada";
  if (absl::Status status = remember(*clarify, user); !status.ok()) return status;
  auto prompt = promptFor(**builder, user, "");
  if (!prompt.ok()) return prompt.status();
  std::cout << *prompt << "\n\n";
  printCounts(clarify->sources, user);
  return prompt->find("Fly over the sea") == std::string::npos
             ? absl::InternalError("the dream is missing")
             : absl::OkStatus();
}

}  // namespace

int main() {
  const absl::Status status = run();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
