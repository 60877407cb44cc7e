// ExecutionContext: the sandbox in which a path of a conversation runs its code, for as long as it
// is used.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "strata/base/timestamp.h"
#include "strata/records/described.h"
#include "strata/records/json.h"
#include "strata/records/text_limits.h"

namespace strata {

enum class SandboxStatus : std::uint8_t {
  kCreating,
  kReady,
  kError,  // it may recover
  kTerminated,
};
BOOST_DESCRIBE_ENUM(SandboxStatus, kCreating, kReady, kError, kTerminated)

struct ExecutionContext {
  std::string id;
  std::string tenant_id;
  std::string conversation_id;
  std::string path_id;
  // The name that whoever runs sandboxes gave it; empty until it is known.
  std::string sandbox_id;
  SandboxStatus sandbox_status = SandboxStatus::kCreating;
  Timestamp created_at;
  Timestamp last_used_at;
  // From this moment on it is expired. Whoever clears up terminates it, and so does the creation of
  // the next one on its path.
  Timestamp expires_at;
  // When it was terminated; none for every other status.
  std::optional<Timestamp> terminated_at;
  std::optional<std::string> error_message;
  std::optional<Json> resource_usage;

  friend bool operator==(const ExecutionContext&, const ExecutionContext&) = default;
};
BOOST_DESCRIBE_STRUCT(ExecutionContext, (),
                      (tenant_id, id, conversation_id, path_id, sandbox_id, sandbox_status,
                       created_at, last_used_at, expires_at, terminated_at, error_message,
                       resource_usage))

template <>
struct TextLimits<ExecutionContext> {
  static constexpr std::array<TextLimit, 3> all{
      {{"sandbox_id", kMaxName}, {"error_message", 64 << 10}, {"resource_usage", 64 << 10}}};
};

}  // namespace strata
