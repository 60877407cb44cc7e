#include "strata/store/options.h"

namespace strata {

absl::Status validate(const ReadOptions& options) {
  if (options.lock == ReadLock::kNone || options.unit != nullptr) return absl::OkStatus();
  return absl::InvalidArgumentError(
      "a read that locks needs a unit of work, whose end releases the lock");
}

}  // namespace strata
