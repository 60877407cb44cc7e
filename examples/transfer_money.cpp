// Reads and writes that belong together, by many threads at once: nothing is lost, and no account
// is overdrawn. In memory, or on what DATABASE_URL and REDIS_URL name.
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "strata/factories/unit_of_work_factory.h"
#include "strata/strata.h"

struct Purse {
  std::string owner;
  std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(Purse, (), (owner, cents))

template <>
struct strata::Entity<Purse> {
  static constexpr auto table = "example_purses";
  static constexpr strata::KeySpace keys{"examples", "purse"};
  static std::string id(const Purse& purse) { return purse.owner; }
};

absl::Status transfer(const strata::Backends& backends, strata::Store<Purse>& purses,
                      const std::string& from, const std::string& to, std::int64_t cents) {
  return strata::runUnit(backends, [&](strata::UnitOfWork& unit) -> absl::Status {
    auto both = purses.getMany({from, to}, {.unit = &unit});
    for (const auto& purse : both) {
      if (!purse.ok()) return purse.status();
      if (*purse == nullptr) return absl::NotFoundError("one of them has no purse");
    }
    Purse payer = *both[0].value();
    Purse payee = *both[1].value();
    if (payer.cents < cents) return absl::FailedPreconditionError("not enough money");
    payer.cents -= cents;
    payee.cents += cents;
    if (auto paid = purses.put(payer, {.unit = &unit}); !paid.ok()) return paid.status();
    return purses.put(payee, {.unit = &unit}).status();
  });
}

absl::Status run() {
  auto config = strata::configFromEnv();
  if (!config.ok()) return config.status();
  auto backends = strata::connect(*config);
  if (!backends.ok()) return backends.status();
  auto purses = strata::createStore<Purse>(*backends);
  if (!purses.ok()) return purses.status();
  for (const char* owner : {"ann", "bob"}) {
    if (auto put = (*purses)->put({.owner = owner, .cents = 500}); !put.ok()) return put.status();
  }
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 100; ++n) transfer(*backends, **purses, "ann", "bob", 3).IgnoreError();
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto ann = (*purses)->get("ann");
  const auto bob = (*purses)->get("bob");
  if (!ann.ok() || !bob.ok()) return absl::UnavailableError("the purses could not be read");
  std::cout << "ann has " << (**ann).cents << " and bob " << (**bob).cents << "\n";
  return (**ann).cents == 2 && (**bob).cents == 998 ? absl::OkStatus()
                                                    : absl::InternalError("money was lost or made");
}

int main() {
  const absl::Status status = run();
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
