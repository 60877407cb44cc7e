#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "strata/records/entity.h"

namespace strata::internal {

// For as long as it lives no store of another table gets the same keys in this process.
using KeyClaim = std::shared_ptr<const void>;

// Claims the keys that an entity has under `app`. Several stores of one table may have them at once,
// of whatever version of the type; a table whose stores are all gone leaves them to others.
// Thread-safe.
//
// InvalidArgument: another table has them; names both.
absl::StatusOr<KeyClaim> claimKeys(const std::string& app, const EntityInfo& entity);

}  // namespace strata::internal
