// The calls of the context, execution and config stores.
#pragma once

#include "absl/strings/str_join.h"
#include "tests/stores/conversations/lockstep/lockstep_world.h"

namespace strata::lockstep {

// ---- Contexts ----

inline Operation loadContext(World& world, Choices& choose) {
  const Known row = choose.known(world.conversations);
  const std::string tenant = choose.tenantOf(row);
  const std::string id = choose.spelled(row.id);
  return {described("load_context", {{"tenant", tenant}, {"conversation", id}}), [=](Side& side) {
            return answerOf(side, side.contexts->load(tenant, id, side.reading()));
          }};
}

inline std::vector<std::string> chooseNodes(Choices& choose) {
  std::vector<std::string> nodes;
  for (std::size_t more = choose.below(4); more > 0; --more) {
    nodes.push_back(choose.of<std::string>({"orders", "invoices", "a \"b\"", "{1,2}"}));
  }
  if (choose.oneIn(24)) nodes.push_back(choose.of<std::string>({"", "\xC3\x28"}));
  return nodes;
}

inline Operation saveContext(World& world, Choices& choose) {
  const Known row = choose.known(world.conversations);
  const std::string tenant = choose.tenantOf(row);
  ConversationContext context{.conversation_id = choose.spelled(row.id),
                              .active_node_ids = chooseNodes(choose),
                              .trace_id = choose.maybeText()};
  if (choose.oneIn(2)) context.tenant_id = choose.tenantOf(row);
  return {described("save_context", {{"tenant", tenant},
                                     {"of_tenant", context.tenant_id},
                                     {"conversation", context.conversation_id},
                                     {"nodes", absl::StrJoin(context.active_node_ids, " ")}}),
          [=](Side& side) {
            return answerOf(side, side.contexts->save(tenant, context, side.writing()));
          }};
}

inline Operation mergeNodes(World& world, Choices& choose) {
  const Known row = choose.known(world.conversations);
  const std::string tenant = choose.tenantOf(row);
  const std::string id = choose.spelled(row.id);
  const std::vector<std::string> nodes = chooseNodes(choose);
  return {
      described("merge_active_node_ids",
                {{"tenant", tenant}, {"conversation", id}, {"nodes", absl::StrJoin(nodes, " ")}}),
      [=](Side& side) {
        return answerOf(side, side.contexts->mergeActiveNodeIds(tenant, id, nodes, side.writing()));
      }};
}

// ---- Execution contexts ----

inline absl::Duration chooseTtl(Choices& choose) {
  return choose.of({absl::Minutes(30), absl::Microseconds(1), absl::Hours(24), absl::Seconds(1),
                    absl::ZeroDuration(), absl::Hours(25)});
}

inline Operation createExecution(World& world, Choices& choose) {
  const Known path = choose.known(world.paths);
  const std::string other = choose.known(world.conversations).id;
  NewExecutionContext made{.tenant_id = choose.tenantOf(path),
                           .conversation_id = choose.oneIn(12) ? other : path.conversation,
                           .path_id = choose.spelled(path.id),
                           .sandbox_id = choose.oneIn(3) ? choose.content() : "",
                           .ttl = chooseTtl(choose),
                           .id = choose.fresh("execution", world.executions)};
  return {described("create_context", {{"tenant", made.tenant_id},
                                       {"id", *made.id},
                                       {"conversation", made.conversation_id},
                                       {"path", made.path_id},
                                       {"ttl", absl::FormatDuration(made.ttl)}}),
          [&world, made](Side& side) {
            NewExecutionContext context = made;
            context.path_id = side.real(made.path_id);
            const auto result = side.executions->createContext(context, side.writing());
            std::string answer = answerOf(side, result);
            if (result.ok()) {
              const ExecutionContext& now = result->context;
              world.learn(world.executions, {now.tenant_id, now.conversation_id, now.id});
            }
            return answer;
          }};
}

// One that takes a tenant and the id of an execution context.
template <typename Call>
Operation ofExecution(const char* name, World& world, Choices& choose, const std::string& more,
                      Call call) {
  const Known row = choose.known(world.executions);
  const std::string tenant = choose.tenantOf(row);
  const std::string id = choose.spelled(row.id);
  return {described(name, {{"tenant", tenant}, {"id", id}, {"with", more}}),
          [=](Side& side) { return answerOf(side, call(side, tenant, id)); }};
}

inline Operation getExecution(World& world, Choices& choose) {
  return ofExecution("get_context", world, choose, "", [](Side& side, auto& tenant, auto& id) {
    return side.executions->getContext(tenant, id, side.reading());
  });
}

inline Operation getExecutionByPath(World& world, Choices& choose) {
  const Known path = choose.known(world.paths);
  const std::string tenant = choose.tenantOf(path);
  const std::string id = choose.spelled(path.id);
  return {described("get_context_by_path", {{"tenant", tenant}, {"path", id}}), [=](Side& side) {
            return answerOf(side, side.executions->getContextByPath(tenant, path.conversation,
                                                                    side.real(id), side.reading()));
          }};
}

inline Operation touchExecution(World& world, Choices& choose) {
  std::optional<absl::Duration> ttl;
  if (choose.oneIn(2)) ttl = chooseTtl(choose);
  return ofExecution("touch_context", world, choose, ttl ? absl::FormatDuration(*ttl) : "",
                     [ttl](Side& side, auto& tenant, auto& id) {
                       return side.executions->touchContext(tenant, id, ttl, side.writing());
                     });
}

inline Operation updateStatus(World& world, Choices& choose) {
  SandboxUpdate update{.status = choose.of({SandboxStatus::kReady, SandboxStatus::kError,
                                            SandboxStatus::kTerminated, SandboxStatus::kCreating})};
  update.error_message = choose.maybeText();
  update.sandbox_id = choose.maybeText();
  if (choose.oneIn(2)) update.resource_usage = choose.json();
  return ofExecution("update_status", world, choose, encodeJson(update.status),
                     [update](Side& side, auto& tenant, auto& id) {
                       return side.executions->updateStatus(tenant, id, update, side.writing());
                     });
}

inline Operation terminateExecution(World& world, Choices& choose) {
  return ofExecution("terminate_context", world, choose, "",
                     [](Side& side, auto& tenant, auto& id) {
                       return side.executions->terminateContext(tenant, id, side.writing());
                     });
}

inline Operation getExpired(World& world, Choices& choose) {
  const std::string tenant = choose.spelled(choose.of(world.tenants));
  const std::int64_t limit = choose.limit();
  return {described("get_expired_contexts", {{"tenant", tenant}, {"limit", std::to_string(limit)}}),
          [=](Side& side) {
            return answerOf(side,
                            side.executions->getExpiredContexts(tenant, limit, side.reading()));
          }};
}

inline Operation purgeTerminated(World& world, Choices& choose) {
  const std::string tenant = choose.spelled(choose.of(world.tenants));
  const auto age = choose.of({absl::ZeroDuration(), absl::Hours(7 * 24), absl::Microseconds(1),
                              absl::Seconds(1), -absl::Seconds(1)});
  const std::int64_t limit = choose.limit();
  return {described("purge_terminated", {{"tenant", tenant},
                                         {"age", absl::FormatDuration(age)},
                                         {"limit", std::to_string(limit)}}),
          [=](Side& side) {
            return answerOf(side,
                            side.executions->purgeTerminated(tenant, age, limit, side.writing()));
          }};
}

// ---- Settings ----

inline Operation getConfig(World& world, Choices& choose) {
  const std::string tenant = choose.spelled(choose.of(world.tenants));
  const std::optional<std::string> user = choose.maybeUser();
  return {described("get_config", {{"tenant", tenant}, {"user", shown(user)}}), [=](Side& side) {
            return answerOf(side, side.configs->getConfig(tenant, user, side.reading()));
          }};
}

// Of one level: 0 all, 1 a tenant, 2 a user.
inline Operation setConfig(World& world, Choices& choose) {
  const std::size_t level = choose.below(3);
  const std::string tenant = choose.spelled(choose.of(world.tenants));
  const std::string user = choose.spelled(choose.of(world.users));
  ConversationConfigOverrides said;
  if (choose.oneIn(2)) said.merge_max_messages = choose.of({7, 1, 100, 0});
  if (choose.oneIn(2)) said.path_compression_threshold = choose.of({0.1, 1.0, 1e-300, 2.0});
  if (choose.oneIn(2)) said.auto_compact_enabled = choose.oneIn(2);
  said.updated_by = choose.maybeText();
  if (level == 0) world.sets_global_config = true;
  return {described("set_config", {{"level", std::to_string(level)},
                                   {"tenant", tenant},
                                   {"user", user},
                                   {"overrides", shown(said.updated_by)}}),
          [=](Side& side) {
            ConversationConfigStore& configs = *side.configs;
            if (level == 0) return answerOf(side, configs.setGlobalConfig(said, side.writing()));
            if (level == 1) {
              return answerOf(side, configs.setTenantConfig(tenant, said, side.writing()));
            }
            return answerOf(side, configs.setUserConfig(tenant, user, said, side.writing()));
          }};
}

inline Operation deleteConfig(World& world, Choices& choose) {
  const std::size_t level = choose.below(3);
  const std::string tenant = choose.spelled(choose.of(world.tenants));
  const std::string user = choose.spelled(choose.of(world.users));
  return {described("delete_config",
                    {{"level", std::to_string(level)}, {"tenant", tenant}, {"user", user}}),
          [=](Side& side) {
            ConversationConfigStore& configs = *side.configs;
            if (level == 0) return answerOf(side, configs.deleteGlobalConfig(side.writing()));
            if (level == 1)
              return answerOf(side, configs.deleteTenantConfig(tenant, side.writing()));
            return answerOf(side, configs.deleteUserConfig(tenant, user, side.writing()));
          }};
}

}  // namespace strata::lockstep
