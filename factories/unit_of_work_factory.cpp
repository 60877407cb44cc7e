#include "strata/factories/unit_of_work_factory.h"

#include <utility>

#include "adapters/postgres/transaction.h"
#include "src/memory/in_memory_transaction.h"

namespace strata {

absl::StatusOr<std::unique_ptr<UnitOfWork>> beginUnitOfWork(const Backends& backends,
                                                            Deadline deadline) {
  if (backends.database == nullptr) {
    auto begun = internal::InMemoryTransaction::begin(backends.memory, deadline, *backends.clock);
    if (!begun.ok()) return begun.status();
    return std::make_unique<UnitOfWork>(*std::move(begun));
  }
  auto begun = postgres::PostgresTransaction::begin(backends.database, backends.bulkhead, deadline,
                                                    backends.units);
  if (!begun.ok()) return begun.status();
  return std::make_unique<UnitOfWork>(*std::move(begun));
}

}  // namespace strata
