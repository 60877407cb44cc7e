// ConversationContext: which nodes of the application a conversation is about at present.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "strata/base/timestamp.h"
#include "strata/records/described.h"
#include "strata/records/text_limits.h"

namespace strata {

struct ConversationContext {
  std::string conversation_id;
  std::string tenant_id;
  // The application's own names, each once, in the order in which they came.
  std::vector<std::string> active_node_ids;
  // Of the trace that set them last.
  std::optional<std::string> trace_id;
  std::optional<std::string> root_span_name;
  std::optional<std::string> root_span_id;
  // Stamped by the store.
  Timestamp updated_at;

  friend bool operator==(const ConversationContext&, const ConversationContext&) = default;
};
BOOST_DESCRIBE_STRUCT(ConversationContext, (),
                      (tenant_id, conversation_id, active_node_ids, trace_id, root_span_name,
                       root_span_id, updated_at))

// Room for 25 000 nodes that are named by UUIDs.
template <>
struct TextLimits<ConversationContext> {
  static constexpr std::array<TextLimit, 4> all{{{"active_node_ids", 1 << 20},
                                                 {"trace_id", kMaxName},
                                                 {"root_span_name", kMaxName},
                                                 {"root_span_id", kMaxName}}};
};

}  // namespace strata
