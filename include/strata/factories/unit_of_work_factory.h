// beginUnitOfWork(backends): several writes that happen together, on whatever is configured.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "strata/factories/backends.h"
#include "strata/store/unit_of_work.h"

namespace strata {

// Begins one for the stores that were made from `backends`. With a database it takes a place among
// the units, one of the bulkhead and a connection; without one, the turn to write to
// `backends.memory`. For a place among the units it waits until the deadline, or five seconds
// without one, in the order in which callers came.
//
// Unavailable, ResourceExhausted, DeadlineExceeded: it could not have them in time; repeat later.
absl::StatusOr<std::unique_ptr<UnitOfWork>> beginUnitOfWork(const Backends& backends,
                                                            Deadline deadline = {});

}  // namespace strata
