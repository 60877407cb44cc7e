// runUnit(backends, function): several reads and writes that happen together, on whatever is
// configured, repeated where others were in the way.
//
//   absl::Status status = strata::runUnit(backends, [&](strata::UnitOfWork& unit) {
//     auto account = accounts->get("ann", {.unit = &unit});
//     if (!account.ok()) return account.status();
//     Account changed = **account;
//     changed.balance += 10;
//     return accounts->put(changed, {.unit = &unit}).status();
//   });
#pragma once

#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "strata/factories/backends.h"
#include "strata/store/unit_of_work.h"

namespace strata {

// Begins one for the stores that were made from `backends`. With a database it takes a place among
// the units, one of the bulkhead and a connection; in memory it takes nothing. For a place among
// the units it waits until the deadline, or five seconds without one, in the order in which callers
// came.
//
// Unavailable, ResourceExhausted, DeadlineExceeded: it could not have them in time; repeat later.
absl::StatusOr<std::unique_ptr<UnitOfWork>> beginUnitOfWork(const Backends& backends,
                                                            Deadline deadline = {});

// Begins a unit, calls `function` with it and commits. Where others changed what the unit had read
// and wrote (Aborted, from `function` or the commit), all of that is repeated, after a random pause
// that grows, until the deadline, or for five seconds without one. So `function` is called several
// times: what it does elsewhere it must be able to do again. It must not end the unit, nor keep it.
// An error that it answers, or an exception, rolls the unit back.
//
//   Aborted    the time was over, and others were in the way each time: nothing happened
//   Unknown    whether the commit happened is not known; it is not repeated. Read to see
//   Internal   `function` threw; names the type of the exception: nothing happened
//   others     as `beginUnitOfWork`, as `function` answers, and as the commit: nothing happened
absl::Status runUnit(const Backends& backends,
                     absl::FunctionRef<absl::Status(UnitOfWork& unit)> function,
                     Deadline deadline = {});

}  // namespace strata
