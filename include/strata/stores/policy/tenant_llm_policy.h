// TenantLlmPolicy: which models a tenant's requests may use, and how strictly what leaves is
// checked.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/timestamp.h"
#include "strata/records/entity.h"
#include "strata/records/text_limits.h"

namespace strata {

// What happens to a request that would send something it must not.
enum class EgressMode : std::uint8_t {
  kEnforce,     // "enforce": it is refused
  kReportOnly,  // "report-only": it is reported and sent
  kOff,         // "off": nothing is checked; only where it is permitted
};

template <>
struct EnumNames<EgressMode> {
  static constexpr std::array<EnumName<EgressMode>, 3> names{
      {{EgressMode::kEnforce, "enforce"},
       {EgressMode::kReportOnly, "report-only"},
       {EgressMode::kOff, "off"}}};
};

// The model for one kind of work, in place of the tenant's default.
struct TaskPolicy {
  std::string task;  // "chat", "summarise"
  std::string model;
  std::string provider;
  std::optional<double> temperature;
  std::optional<std::int32_t> max_tokens;

  friend bool operator==(const TaskPolicy&, const TaskPolicy&) = default;
};
BOOST_DESCRIBE_STRUCT(TaskPolicy, (), (task, model, provider, temperature, max_tokens))

// What one user has in place of the tenant's settings.
struct UserPolicy {
  std::optional<EgressMode> egress_mode;
  std::optional<bool> allow_off_mode;

  friend bool operator==(const UserPolicy&, const UserPolicy&) = default;
};
BOOST_DESCRIBE_STRUCT(UserPolicy, (), (egress_mode, allow_off_mode))

struct TenantLlmPolicy {
  std::string tenant_id;  // a UUID
  std::string default_model;
  std::string default_provider;
  // False: only the provider "local" may be used.
  bool allow_remote_egress = true;
  std::vector<TaskPolicy> tasks;  // at most one per task
  std::optional<EgressMode> egress_mode;
  // Whether egress mode "off" is permitted; not, where nobody says so.
  std::optional<bool> allow_off_mode;
  std::map<std::string, UserPolicy> user_policies;  // by user id
  // When it was last set; the store writes it.
  Timestamp updated_at;
  std::optional<std::string> updated_by;

  friend bool operator==(const TenantLlmPolicy&, const TenantLlmPolicy&) = default;
};
BOOST_DESCRIBE_STRUCT(TenantLlmPolicy, (),
                      (tenant_id, default_model, default_provider, allow_remote_egress, tasks,
                       egress_mode, allow_off_mode, user_policies, updated_at, updated_by))

template <>
struct Entity<TenantLlmPolicy> {
  static constexpr auto table = "tenant_llm_policies";
  static constexpr KeySpace keys{"llm", "policy"};
  static constexpr std::array<std::string_view, 1> key_columns{"tenant_id"};
  static std::string id(const TenantLlmPolicy& policy) { return policy.tenant_id; }
};

// A task is 100 to 200 bytes of JSON, a user's policy 100: room for a thousand of the former and ten
// thousand of the latter. The policy is read for each request.
template <>
struct TextLimits<TenantLlmPolicy> {
  static constexpr std::array<TextLimit, 5> all{{{"default_model", kMaxName},
                                                 {"default_provider", kMaxName},
                                                 {"tasks", 256 << 10},
                                                 {"user_policies", 1 << 20},
                                                 {"updated_by", kMaxName}}};
};

}  // namespace strata
