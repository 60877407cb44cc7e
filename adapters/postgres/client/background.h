#pragma once

#include "src/base/background_jobs.h"

namespace strata::postgres {

// For libpq's calls that block: connecting, cancelling.
using internal::BackgroundJobs;

}  // namespace strata::postgres
