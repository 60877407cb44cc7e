// What a store writes into its cells, and demands of those that it finds: whose records they are,
// and which members they have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "src/cache/cell.h"
#include "strata/cache/caching_options.h"
#include "strata/records/entity.h"
#include "strata/records/internal/type_info.h"

namespace strata::internal {

// Of the entity's table, its key space, the app and the database: two stores whose keys are the
// same by mistake do not read each other's records. The same in every process.
std::uint64_t cellIdentity(const EntityInfo& entity, const CachingOptions& options);

// The members of a type. Thread-safe.
//
// Binaries of several versions run side by side while a release is deployed. One reads the cells of
// another as it reads its rows: members that it does not know are ignored, and none that it knows
// may be missing.
class RecordShape {
 public:
  explicit RecordShape(const TypeInfo& type);

  // Of the same shape all members are the same, so the list is not compared.
  std::uint64_t fingerprint() const { return fingerprint_; }
  // Ascending hashes of four bytes, big-endian (memberHashes).
  std::string_view encodedMembers() const { return members_; }

  // Whether a value has every member of this type, with its kind.
  bool canRead(const Cell& value) const {
    return value.fingerprint == fingerprint_ || isPartOf(members_, value.members);
  }
  // Whether it has a member that this type does not have, so that another binary may need it.
  bool isOfUseToOthers(const Cell& value) const {
    return value.fingerprint != fingerprint_ && !isPartOf(value.members, members_);
  }

 private:
  // Of two encoded lists.
  static bool isPartOf(std::string_view part, std::string_view whole);

  const std::uint64_t fingerprint_;
  const std::string members_;
};

}  // namespace strata::internal
