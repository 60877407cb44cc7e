#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace strata::internal {

// Brings the UUIDs of one call into their canonical form.
//
//   Ids ids;
//   const std::string tenant = ids.take(tenant_id, "tenant_id");
//   const std::string path = ids.take(path_id, "path_id");
//   if (!ids.ok()) return ids.status();
class Ids {
 public:
  std::string take(std::string_view text, std::string_view what);
  std::optional<std::string> takeOptional(const std::optional<std::string>& text,
                                          std::string_view what);

  bool ok() const { return status_.ok(); }
  // InvalidArgument, naming the first one that is no UUID.
  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
};

}  // namespace strata::internal
