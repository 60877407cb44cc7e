#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace strata::internal {

// How stores read what the arguments of their calls say.

// InvalidArgument: not 1 to 1000.
absl::Status checkListLimit(std::int64_t limit);

// One record of a tenant, in canonical form.
struct RecordOfTenant {
  std::string tenant_id;
  std::string id;
};
// InvalidArgument, naming "tenant_id" or `what`, the first one that is no UUID.
absl::StatusOr<RecordOfTenant> recordOfTenant(std::string_view tenant_id, std::string_view id,
                                              std::string_view what);

}  // namespace strata::internal
