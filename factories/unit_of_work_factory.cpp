#include "strata/factories/unit_of_work_factory.h"

#include <fmt/format.h>

#include <boost/core/demangle.hpp>
#include <chrono>
#include <exception>
#include <random>
#include <typeinfo>
#include <utility>

#include "adapters/postgres/client/transaction.h"
#include "src/base/backoff.h"
#include "src/memory/in_memory_transaction.h"
#include "strata/base/status.h"

namespace strata {
namespace {

using Function = absl::FunctionRef<absl::Status(UnitOfWork& unit)>;

constexpr absl::Duration kPatience = absl::Seconds(5);
constexpr std::chrono::milliseconds kFirstPause(2);
constexpr std::chrono::milliseconds kLongestPause(100);

absl::Status threw(std::string_view type) {
  return absl::InternalError(fmt::format("the function of a unit of work threw {}", type));
}

// Without the exception's text, which may hold values.
absl::Status call(Function function, UnitOfWork& unit) {
  try {
    return function(unit);
  } catch (const std::exception& thrown) {
    return threw(boost::core::demangle(typeid(thrown).name()));
  } catch (...) {
    return threw("what is no std::exception");
  }
}

// In memory a call that would wait for the unit from within its function is recognised.
absl::Status callInside(Function function, UnitOfWork& unit) {
  auto* const transaction = dynamic_cast<internal::InMemoryTransaction*>(&unit.transaction());
  if (transaction == nullptr) return call(function, unit);
  const internal::DatabaseLock::Inside inside = transaction->inside();
  return call(function, unit);
}

absl::Status runOnce(const Backends& backends, Function function, Deadline deadline) {
  auto unit = beginUnitOfWork(backends, deadline);
  if (!unit.ok()) return unit.status();
  if (absl::Status status = callInside(function, **unit); !status.ok()) return status;
  absl::Status committed = (*unit)->commit();
  if (committed.ok() || !mayHaveHappened(committed)) return committed;
  return absl::UnknownError(
      fmt::format("whether a unit of work was committed is not known: {}", describe(committed)));
}

}  // namespace

absl::StatusOr<std::unique_ptr<UnitOfWork>> beginUnitOfWork(const Backends& backends,
                                                            Deadline deadline) {
  if (backends.database == nullptr) {
    return std::make_unique<UnitOfWork>(internal::InMemoryTransaction::begin(backends.memory));
  }
  auto begun = postgres::PostgresTransaction::begin(backends.database, backends.bulkhead, deadline,
                                                    backends.units);
  if (!begun.ok()) return begun.status();
  return std::make_unique<UnitOfWork>(*std::move(begun));
}

absl::Status runUnit(const Backends& backends, Function function, Deadline deadline) {
  const Clock& clock = *backends.clock;
  const Deadline until = deadline.isNever() ? Deadline::in(kPatience, clock) : deadline;
  std::minstd_rand random(std::random_device{}());
  for (int attempts = 1;; ++attempts) {
    absl::Status status = runOnce(backends, function, until);
    if (!absl::IsAborted(status)) return status;
    const absl::Duration pause =
        absl::FromChrono(internal::backoffAfter(attempts, random, kFirstPause, kLongestPause));
    if (until.remaining(absl::InfiniteDuration(), clock) <= pause) {
      return annotate(status, fmt::format("given up after {} attempts", attempts));
    }
    clock.sleepFor(pause);
  }
}

}  // namespace strata
