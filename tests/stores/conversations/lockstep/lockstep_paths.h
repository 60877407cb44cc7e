// The calls of the path store, with arguments of a step's choosing.
#pragma once

#include "tests/stores/conversations/lockstep/lockstep_world.h"

namespace strata::lockstep {

// One that takes a tenant and an id of `rows`, and answers something.
template <typename Call>
Operation ofRow(const char* name, const std::vector<Known>& rows, Choices& choose, Call call) {
  const Known row = choose.known(rows);
  const std::string tenant = choose.tenantOf(row);
  const std::string id = choose.spelled(row.id);
  return {described(name, {{"tenant", tenant}, {"id", id}}),
          [=](Side& side) { return answerOf(side, call(side, tenant, side.real(id))); }};
}

// What was made where, once it is there.
inline std::string learnPath(World& world, Side& side, const absl::StatusOr<Path>& made) {
  std::string answer = answerOf(side, made);
  if (made.ok()) {
    world.learn(world.paths, {made->tenant_id, made->conversation_id, side.inWords(made->id)});
  }
  return answer;
}

inline Operation createPath(World& world, Choices& choose) {
  const Known row = choose.known(world.conversations);
  const std::string tenant = choose.tenantOf(row);
  NewPath made{.conversation_id = choose.spelled(row.id)};
  std::optional<std::string> parent;
  std::optional<std::string> point;
  if (choose.below(2) == 1) {
    parent = choose.sibling(world.paths, row).id;
    if (!choose.oneIn(16)) point = choose.sibling(world.messages, row).id;
  }
  made.name = choose.maybeText();
  made.description = choose.maybeText();
  made.id = choose.fresh("path", world.paths);
  return {described("create_path", {{"tenant", tenant},
                                    {"conversation", made.conversation_id},
                                    {"id", *made.id},
                                    {"parent", shown(parent)},
                                    {"branch_point", shown(point)}}),
          [&world, tenant, made, parent, point](Side& side) {
            NewPath path = made;
            path.id = side.real(*made.id);
            path.parent_path_id = side.real(parent);
            path.branch_point_message_id = side.real(point);
            return learnPath(world, side, side.paths->createPath(tenant, path, side.writing()));
          }};
}

inline Operation branchFromMessage(World& world, Choices& choose) {
  const Known row = choose.known(world.messages);
  const std::string tenant = choose.tenantOf(row);
  const std::string message = choose.spelled(row.id);
  const NewBranch made{.name = choose.maybeText(),
                       .activate = choose.below(3) == 1,
                       .id = choose.fresh("path", world.paths)};
  return {described("branch_from_message", {{"tenant", tenant},
                                            {"message", message},
                                            {"id", *made.id},
                                            {"activate", made.activate ? "yes" : "no"}}),
          [&world, tenant, message, made](Side& side) {
            NewBranch branch = made;
            branch.id = side.real(*made.id);
            return learnPath(
                world, side,
                side.paths->branchFromMessage(tenant, side.real(message), branch, side.writing()));
          }};
}

inline Operation getPath(World& world, Choices& choose) {
  return ofRow("get_path", world.paths, choose, [](Side& side, auto& tenant, auto id) {
    return side.paths->getPath(tenant, id, side.reading());
  });
}

inline Operation listPaths(World& world, Choices& choose) {
  const Known row = choose.known(world.conversations);
  const std::string tenant = choose.tenantOf(row);
  const std::string id = choose.spelled(row.id);
  PathQuery query{.include_inactive = choose.below(2) == 1,
                  .parent = choose.of({PathParent::kAny, PathParent::kRoots, PathParent::kOf})};
  const std::optional<std::string> parent = (query.parent == PathParent::kOf) != choose.oneIn(16)
                                                ? std::optional(choose.sibling(world.paths, row).id)
                                                : std::nullopt;
  return {described("list_paths", {{"tenant", tenant},
                                   {"conversation", id},
                                   {"inactive", query.include_inactive ? "yes" : "no"},
                                   {"parent", shown(parent)}}),
          [=](Side& side) {
            PathQuery asked = query;
            asked.parent_path_id = side.real(parent);
            return answerOf(side, side.paths->listPaths(tenant, id, asked, side.reading()));
          }};
}

inline Operation updatePath(World& world, Choices& choose) {
  const Known row = choose.known(world.paths);
  const std::string tenant = choose.tenantOf(row);
  const std::string id = choose.spelled(row.id);
  PathUpdate update;
  if (choose.oneIn(2)) update.is_active = choose.below(2) == 1;
  if (choose.oneIn(2)) update.name = choose.maybeText();
  if (choose.oneIn(3)) update.description = choose.maybeText();
  return {described("update_path", {{"tenant", tenant},
                                    {"id", id},
                                    {"name", update.name ? shown(*update.name) : "kept"},
                                    {"active", encodeJson(update.is_active)}}),
          [=](Side& side) {
            return answerOf(side,
                            side.paths->updatePath(tenant, side.real(id), update, side.writing()));
          }};
}

inline Operation deletePath(World& world, Choices& choose) {
  const bool hard = choose.below(2) == 0;
  return ofRow(hard ? "hard_delete_path" : "soft_delete_path", world.paths, choose,
               [hard](Side& side, auto& tenant, auto id) {
                 return side.paths->deletePath(
                     tenant, id, hard ? PathDeletion::kHard : PathDeletion::kSoft, side.writing());
               });
}

inline Operation resolvePathMessages(World& world, Choices& choose) {
  ResolveQuery query;
  query.include_deleted = choose.below(2) == 1;
  query.pinned_only = choose.oneIn(4);
  if (choose.oneIn(3)) query.role = choose.of({MessageRole::kUser, MessageRole::kAssistant});
  if (choose.oneIn(2)) query.limit = choose.limit();
  if (choose.oneIn(2)) query.offset = choose.of<std::int64_t>({1, 2, 5, 1000, -1});
  return ofRow("resolve_path_messages", world.paths, choose,
               [query](Side& side, auto& tenant, auto id) {
                 return side.paths->resolvePathMessages(tenant, id, query, side.reading());
               });
}

inline Operation getFullPathResolution(World& world, Choices& choose) {
  return ofRow("get_full_path_resolution", world.paths, choose,
               [](Side& side, auto& tenant, auto id) {
                 return side.paths->getFullPathResolution(tenant, id, side.reading());
               });
}

inline Operation getActivePath(World& world, Choices& choose) {
  return ofRow("get_active_path", world.conversations, choose,
               [](Side& side, auto& tenant, auto id) {
                 return side.paths->getActivePath(tenant, id, side.reading());
               });
}

inline Operation setActivePath(World& world, Choices& choose) {
  const std::string other = choose.known(world.conversations).id;
  const Known row = choose.known(world.paths);
  const std::string tenant = choose.tenantOf(row);
  const std::string conversation = choose.oneIn(12) ? other : row.conversation;
  const std::string id = choose.spelled(row.id);
  return {described("set_active_path",
                    {{"tenant", tenant}, {"conversation", conversation}, {"path", id}}),
          [=](Side& side) {
            return answerOf(side, side.paths->setActivePath(tenant, conversation, side.real(id),
                                                            side.writing()));
          }};
}

inline Operation getBranchPoints(World& world, Choices& choose) {
  return ofRow("get_branch_points_for_path", world.paths, choose,
               [](Side& side, auto& tenant, auto id) {
                 return side.paths->getBranchPointsForPath(tenant, id, side.reading());
               });
}

inline Operation unpinMessage(World& world, Choices& choose) {
  return ofRow("unpin_message", world.messages, choose, [](Side& side, auto& tenant, auto id) {
    return side.paths->unpinMessage(tenant, id, side.writing());
  });
}

inline Operation pinMessage(World& world, Choices& choose) {
  const std::optional<std::string> user = choose.maybeUser();
  return ofRow("pin_message", world.messages, choose, [user](Side& side, auto& tenant, auto id) {
    return side.paths->pinMessage(tenant, id, user, side.writing());
  });
}

inline Operation getPinned(World& world, Choices& choose, bool counts) {
  const Known row = choose.known(world.conversations);
  const std::string tenant = choose.tenantOf(row);
  const std::optional<std::string> path =
      choose.oneIn(2) ? std::optional(choose.sibling(world.paths, row).id) : std::nullopt;
  return {described(counts ? "get_pinned_message_count" : "get_pinned_messages",
                    {{"tenant", tenant}, {"conversation", row.id}, {"path", shown(path)}}),
          [=](Side& side) {
            PathStore& paths = *side.paths;
            const std::optional<std::string> on = side.real(path);
            if (counts) {
              return answerOf(side,
                              paths.getPinnedMessageCount(tenant, row.id, on, side.reading()));
            }
            return answerOf(side, paths.getPinnedMessages(tenant, row.id, on, side.reading()));
          }};
}
inline Operation getPinnedMessages(World& world, Choices& choose) {
  return getPinned(world, choose, false);
}
inline Operation getPinnedMessageCount(World& world, Choices& choose) {
  return getPinned(world, choose, true);
}

inline Operation getPrimaryPath(World& world, Choices& choose) {
  return ofRow("get_primary_path", world.conversations, choose,
               [](Side& side, auto& tenant, auto id) {
                 return side.paths->getPrimaryPath(tenant, id, side.reading());
               });
}

inline Operation ensurePrimaryPath(World& world, Choices& choose) {
  return ofRow("ensure_primary_path", world.conversations, choose,
               [](Side& side, auto& tenant, auto id) {
                 return side.paths->ensurePrimaryPath(tenant, id, side.writing());
               });
}

}  // namespace strata::lockstep
