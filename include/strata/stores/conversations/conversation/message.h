// Message: one turn of a conversation, on one of its paths.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "strata/base/timestamp.h"
#include "strata/records/described.h"
#include "strata/records/json.h"
#include "strata/records/text_limits.h"

namespace strata {

enum class MessageRole : std::uint8_t { kUser, kAssistant, kSystem };
BOOST_DESCRIBE_ENUM(MessageRole, kUser, kAssistant, kSystem)

enum class MessageType : std::uint8_t { kStandard, kMergeSummary, kBranchPoint, kSystem };
BOOST_DESCRIBE_ENUM(MessageType, kStandard, kMergeSummary, kBranchPoint, kSystem)

struct Message {
  std::string id;
  std::string conversation_id;
  std::string path_id;
  // From 1, without gaps.
  std::int64_t sequence_in_path = 0;
  MessageRole role = MessageRole::kUser;
  std::string content;
  // An object. One that a merge copied has `merged_from`: {"message_id", "path_id"}.
  Json metadata;
  // Who wrote it; none: the application.
  std::optional<std::string> user_id;
  std::optional<std::string> trace_id;
  std::optional<std::string> root_span_name;
  std::optional<std::string> root_span_id;
  MessageType message_type = MessageType::kStandard;
  // Whether paths branch from here, and which.
  bool is_branch_point = false;
  std::vector<std::string> branched_to_paths;
  bool is_pinned = false;
  std::optional<Timestamp> pinned_at;
  std::optional<std::string> pinned_by;
  Timestamp created_at;
  // When it was deleted; its content is still there.
  std::optional<Timestamp> deleted_at;

  friend bool operator==(const Message&, const Message&) = default;
};
BOOST_DESCRIBE_STRUCT(Message, (),
                      (id, conversation_id, path_id, sequence_in_path, role, content, metadata,
                       user_id, trace_id, root_span_name, root_span_id, message_type,
                       is_branch_point, branched_to_paths, is_pinned, pinned_at, pinned_by,
                       created_at, deleted_at))

// A content is more text than models read at once; what is larger is a file, and belongs into a store
// of files. 1 600 paths may branch from a message. A full message is so short that a page of 50 is
// always within the bound of a page, 64 MiB.
template <>
struct TextLimits<Message> {
  static constexpr std::array<TextLimit, 6> all{{{"content", 1 << 20},
                                                 {"metadata", 64 << 10},
                                                 {"trace_id", kMaxName},
                                                 {"root_span_name", kMaxName},
                                                 {"root_span_id", kMaxName},
                                                 {"branched_to_paths", 64 << 10}}};
};

}  // namespace strata
