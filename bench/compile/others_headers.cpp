// What the public headers of Strata include of others, and what the quickstart prints with: the part
// of its compile time that is not ours.
#include <boost/describe.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

int main() { return absl::StatusOr<std::string>("").ok() ? 0 : 1; }
