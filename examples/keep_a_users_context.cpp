// What an application does that helps users to reach what they dream of: it keeps what it learns of
// them, and reads what there is to say about them before each conversation.
#include <iostream>

#include "strata/factories/clarify_store_factory.h"
#include "strata/strata.h"

// A user comes for the first time, says what they want, and talks about it.
absl::Status meet(strata::ClarifyStores& stores, const std::string& user) {
  auto profile = stores.users->put({.id = user, .name = "Ada", .tier = strata::UserTier::kPro});
  if (!profile.ok()) return profile.status();
  auto dream = stores.dreams->create({.user_id = user, .title = "Write a book"});
  if (!dream.ok()) return dream.status();
  auto session = stores.sessions->create({.user_id = user, .title = "The first chapter"});
  if (!session.ok()) return session.status();
  return stores.sessions->noteMessage(user, session->id).status();
}

// What they looked back on and what it shows, together or not at all.
absl::Status reflect(const strata::Backends& backends, strata::ClarifyStores& stores,
                     const std::string& user) {
  auto unit = strata::beginUnitOfWork(backends);
  if (!unit.ok()) return unit.status();
  const strata::WriteOptions options{.unit = unit->get()};
  auto reflection = stores.reflections->create({.user_id = user}, options);
  if (!reflection.ok()) return reflection.status();
  auto patterns = stores.patterns->consolidate(
      user,
      {{.pattern_type = strata::PatternType::kValue, .content = "honesty", .strength = 8},
       {.pattern_type = strata::PatternType::kBlocker, .content = "no time", .strength = 2}},
      options);
  if (!patterns.ok()) return patterns.status();
  return (*unit)->commit();
}

// From the cache, where there is one.
absl::Status describe(const strata::ContextSources& sources, const std::string& user) {
  auto profile = sources.user->get(user);
  auto dreams = sources.dreams->get(user);
  auto patterns = sources.patterns->get(user);
  for (const absl::Status& status : {profile.status(), dreams.status(), patterns.status()}) {
    if (!status.ok()) return status;
  }
  if (*profile == nullptr) return absl::NotFoundError("nobody of this name came yet");
  std::cout << (*profile)->name.value_or(user) << " had " << (*profile)->total_clarify_sessions
            << " session(s), " << (*profile)->total_reflections << " reflection(s)\n";
  for (const strata::Dream& dream : (*dreams)->dreams)
    std::cout << "dreams: " << dream.title << "\n";
  for (const auto& pattern : (*patterns)->patterns)
    std::cout << "shows: " << pattern.content << "\n";
  return absl::OkStatus();
}

absl::Status run() {
  auto config = strata::configFromEnv();
  if (!config.ok()) return config.status();
  auto backends = strata::connect(*config);
  if (!backends.ok()) return backends.status();
  auto stores = strata::createClarifyStores(*backends);
  if (!stores.ok()) return stores.status();

  const std::string user = "ada@example.com";
  absl::Status status = meet(*stores, user);
  if (status.ok()) status = reflect(*backends, *stores, user);
  if (status.ok()) status = describe(stores->sources, user);
  return status.ok() ? stores->users->remove(user) : status;
}

int main() {
  const absl::Status status = run();
  if (!status.ok()) std::cerr << status.ToString() << "\n";
  return status.ok() ? 0 : 1;
}
