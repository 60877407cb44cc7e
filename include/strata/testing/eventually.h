// eventually: waits in real time until something has happened in another thread or process.
//
//   EXPECT_TRUE(eventually([&] { return cache.healthCheck().healthy(); }));
//
// It looks again every few milliseconds, so a test is as fast as what it waits for. The timeout is
// for a test that fails: make it generous. Not for: showing that something does *not* happen.
#pragma once

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"

namespace strata::testing {

// True as soon as `predicate()` is, false when it was not within `timeout`. The predicate is called
// by this thread, at least once.
[[nodiscard]] bool eventually(absl::FunctionRef<bool()> predicate,
                              absl::Duration timeout = absl::Seconds(10));

}  // namespace strata::testing
