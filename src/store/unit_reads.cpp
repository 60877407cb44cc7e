#include "strata/store/internal/unit_reads.h"

#include <fmt/format.h>

namespace strata::internal {
namespace {

// Neither a table's name nor an id has a NUL.
std::string keyOf(std::string_view table, const Id& id) {
  return fmt::format("{}{}{}", table, '\0', id.canonical());
}

}  // namespace

absl::Status UnitReads::note(std::string_view table, const Id& id, Seen seen) {
  std::string key = keyOf(table, id);
  if (seen_.contains(key)) return absl::OkStatus();
  if (seen_.size() == kMostRecords) {
    return absl::ResourceExhaustedError(fmt::format(
        "{}: the unit of work has read {} records, and remembers no more", table, kMostRecords));
  }
  seen_.emplace(std::move(key), seen);
  return absl::OkStatus();
}

const UnitReads::Seen* UnitReads::find(std::string_view table, const Id& id) const {
  if (seen_.empty()) return nullptr;
  const auto found = seen_.find(keyOf(table, id));
  return found == seen_.end() ? nullptr : &found->second;
}

void UnitReads::wrote(std::string_view table, const Id& id, Seen now) {
  const auto found = seen_.find(keyOf(table, id));
  if (found != seen_.end()) found->second = now;
}

absl::Status UnitReads::changed(std::string_view table) {
  return absl::AbortedError(fmt::format(
      "{}: the record was changed after the unit of work had read it; repeat the whole unit",
      table));
}

}  // namespace strata::internal
