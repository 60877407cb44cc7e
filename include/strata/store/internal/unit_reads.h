// UnitReads: the versions of the records that a unit of work has read. Its writes of these records
// are conditional on them.
//
// For backends of Store<T>.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "strata/base/internal/seeded_hash.h"
#include "strata/records/id.h"
#include "strata/store/version.h"

namespace strata::internal {

// For one thread at a time.
class UnitReads {
 public:
  static constexpr std::size_t kMostRecords = 10'000;

  // A record as it was read. A row may be present without a version.
  struct Seen {
    bool present = false;
    Version version;
    friend bool operator==(const Seen&, const Seen&) = default;
  };

  // Remembers what was read first; later reads of the same record change nothing, since what the
  // unit writes may rest on the first. `table` is the same text for every store of the table.
  // ResourceExhausted: the unit remembers kMostRecords others.
  absl::Status note(std::string_view table, const Id& id, Seen seen);
  // What was read, or what the unit itself wrote since; null for a record that it did not read.
  const Seen* find(std::string_view table, const Id& id) const;
  // The unit has written the record. Not remembered for a record that it did not read.
  void wrote(std::string_view table, const Id& id, Seen now);

  // The answer to a write of a record that others have changed since.
  static absl::Status changed(std::string_view table);

 private:
  SeededMap<Seen> seen_;
};

}  // namespace strata::internal
