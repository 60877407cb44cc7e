#include "stores/base/arguments.h"

#include "stores/base/ids.h"

namespace strata::internal {

absl::Status checkListLimit(std::int64_t limit) {
  if (limit >= 1 && limit <= 1000) return absl::OkStatus();
  return absl::InvalidArgumentError("limit must be 1 to 1000");
}

absl::StatusOr<RecordOfTenant> recordOfTenant(std::string_view tenant_id, std::string_view id,
                                              std::string_view what) {
  Ids ids;
  RecordOfTenant record{.tenant_id = ids.take(tenant_id, "tenant_id"), .id = ids.take(id, what)};
  if (!ids.ok()) return ids.status();
  return record;
}

}  // namespace strata::internal
