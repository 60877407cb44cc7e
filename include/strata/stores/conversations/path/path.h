// Path: one line of a conversation. It begins anew, or at a message of another path.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "strata/base/timestamp.h"
#include "strata/records/described.h"
#include "strata/records/text_limits.h"

namespace strata {

// What a merge brings over to the other path.
enum class MergeMode : std::uint8_t {
  kSummary,    // one message that sums them up
  kFull,       // a copy of each message
  kSelective,  // a copy of those that were chosen
};
BOOST_DESCRIBE_ENUM(MergeMode, kSummary, kFull, kSelective)

struct Path {
  std::string id;
  std::string conversation_id;
  std::string tenant_id;
  // Where it branches off: a message of that path. Neither: it begins by itself.
  std::optional<std::string> parent_path_id;
  std::optional<std::string> branch_point_message_id;
  std::optional<std::string> name;
  std::optional<std::string> description;
  // A conversation has one, and it is never deleted.
  bool is_primary = false;
  // False: archived. It can be read and branched from, and not be added to.
  bool is_active = true;
  std::optional<std::string> merged_to_path_id;
  std::optional<Timestamp> merged_at;
  std::optional<std::string> merge_summary_message_id;
  std::optional<MergeMode> merge_mode;
  Timestamp created_at;
  Timestamp updated_at;
  // Its own messages that are not deleted, and the paths that branch from it.
  std::int64_t message_count = 0;
  std::int64_t branch_count = 0;

  friend bool operator==(const Path&, const Path&) = default;
};
BOOST_DESCRIBE_STRUCT(Path, (),
                      (tenant_id, id, conversation_id, parent_path_id, branch_point_message_id,
                       name, description, is_primary, is_active, merged_to_path_id, merged_at,
                       merge_summary_message_id, merge_mode, created_at, updated_at, message_count,
                       branch_count))

template <>
struct TextLimits<Path> {
  static constexpr std::array<TextLimit, 2> all{{{"name", kMaxName}, {"description", 16 << 10}}};
};

}  // namespace strata
