// /v1/conversations/{}/paths: the branches of a conversation, and what stands on them: the context and the
// sandbox.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "examples/copilot_server/access.h"
#include "examples/copilot_server/application.h"
#include "examples/copilot_server/conversation_list.h"
#include "examples/copilot_server/json_body.h"

namespace copilot {
namespace {

struct NewPathBody {
  std::optional<std::string> id;
  std::optional<std::string> parent_path_id;
  std::optional<std::string> branch_point_message_id;
  std::optional<std::string> name;
  std::optional<std::string> description;
};
BOOST_DESCRIBE_STRUCT(NewPathBody, (),
                      (id, parent_path_id, branch_point_message_id, name, description))

struct PathList {
  std::vector<strata::Path> paths;
};
BOOST_DESCRIBE_STRUCT(PathList, (), (paths))

struct PathMessages {
  std::vector<strata::Message> messages;
};
BOOST_DESCRIBE_STRUCT(PathMessages, (), (messages))

struct ActivePathBody {
  std::string path_id;
};
BOOST_DESCRIBE_STRUCT(ActivePathBody, (), (path_id))

struct MergeBody {
  std::string target_path_id;
  std::string summary;
};
BOOST_DESCRIBE_STRUCT(MergeBody, (), (target_path_id, summary))

struct ContextBody {
  std::vector<std::string> active_node_ids;
  std::optional<std::string> trace_id;
  std::optional<std::string> root_span_name;
  std::optional<std::string> root_span_id;
};
BOOST_DESCRIBE_STRUCT(ContextBody, (), (active_node_ids, trace_id, root_span_name, root_span_id))

struct SandboxBody {
  std::string sandbox_id;
  std::int64_t ttl_seconds = 1'800;
};
BOOST_DESCRIBE_STRUCT(SandboxBody, (), (sandbox_id, ttl_seconds))

template <typename T>
absl::StatusOr<Response> answered(const absl::StatusOr<T>& value, int status = 200) {
  if (!value.ok()) return value.status();
  return jsonResponse(*value, status);
}

absl::StatusOr<Response> listPaths(Service& service, const Call& call) {
  if (absl::Status status = checkRead(service, call); !status.ok()) return status;
  auto paths = service.paths->listPaths(call.caller.tenant_id, call.arguments[0],
                                        {.include_inactive = true});
  if (!paths.ok()) return paths.status();
  return jsonResponse(PathList{*std::move(paths)});
}

absl::StatusOr<Response> createPath(Service& service, const Call& call) {
  auto body = bodyOf<NewPathBody>(call);
  if (!body.ok()) return body.status();
  if (absl::Status status = checkWrite(service, call); !status.ok()) return status;
  return answered(service.paths->createPath(
                      call.caller.tenant_id,
                      {.conversation_id = call.arguments[0],
                       .parent_path_id = std::move(body->parent_path_id),
                       .branch_point_message_id = std::move(body->branch_point_message_id),
                       .name = std::move(body->name),
                       .description = std::move(body->description),
                       .id = std::move(body->id)}),
                  201);
}

// `limit` and `offset` of the query. A path may show more messages than fit into memory.
absl::StatusOr<strata::ResolveQuery> pageOf(const Call& call) {
  auto limit = numberOf(call, "limit", 100);
  if (!limit.ok()) return limit.status();
  auto offset = numberOf(call, "offset", 0);
  if (!offset.ok()) return offset.status();
  if (*limit < 1 || *limit > 1'000) return absl::InvalidArgumentError("limit is 1 to 1000");
  if (*offset < 0) return absl::InvalidArgumentError("offset is negative");
  return strata::ResolveQuery{.limit = *limit, .offset = *offset};
}

absl::StatusOr<Response> getMessages(Service& service, const Call& call) {
  if (absl::Status status = checkRead(service, call); !status.ok()) return status;
  auto query = pageOf(call);
  if (!query.ok()) return query.status();
  auto path = pathOf(service, call, call.arguments[1]);
  if (!path.ok()) return path.status();
  auto messages = service.paths->resolvePathMessages(call.caller.tenant_id, path->id, *query);
  if (!messages.ok()) return messages.status();
  return jsonResponse(PathMessages{*std::move(messages)});
}

absl::StatusOr<Response> merge(Service& service, const Call& call) {
  auto body = bodyOf<MergeBody>(call);
  if (!body.ok()) return body.status();
  if (absl::Status status = checkWrite(service, call); !status.ok()) return status;
  auto source = pathOf(service, call, call.arguments[1]);
  if (!source.ok()) return source.status();
  auto target = pathOf(service, call, body->target_path_id);
  if (!target.ok()) return target.status();
  auto merged = service.paths->mergePath(call.caller.tenant_id, {.source_path_id = source->id,
                                                                 .target_path_id = target->id,
                                                                 .summary = body->summary,
                                                                 .user_id = call.user()});
  if (!merged.ok()) return merged.status();
  return jsonResponse(merged->target);
}

absl::StatusOr<Response> getActivePath(Service& service, const Call& call) {
  if (absl::Status status = checkRead(service, call); !status.ok()) return status;
  return answered(service.paths->getActivePath(call.caller.tenant_id, call.arguments[0]));
}

absl::StatusOr<Response> setActivePath(Service& service, const Call& call) {
  auto body = bodyOf<ActivePathBody>(call);
  if (!body.ok()) return body.status();
  if (absl::Status status = checkWrite(service, call); !status.ok()) return status;
  return answered(
      service.paths->setActivePath(call.caller.tenant_id, call.arguments[0], body->path_id));
}

absl::StatusOr<Response> getContext(Service& service, const Call& call) {
  if (absl::Status status = checkRead(service, call); !status.ok()) return status;
  auto context = service.conversation_contexts->load(call.caller.tenant_id, call.arguments[0]);
  if (!context.ok()) return context.status();
  if (!context->has_value()) return absl::NotFoundError("the conversation has no context");
  return jsonResponse(**context);
}

absl::StatusOr<Response> putContext(Service& service, const Call& call) {
  auto body = bodyOf<ContextBody>(call);
  if (!body.ok()) return body.status();
  if (absl::Status status = checkWrite(service, call); !status.ok()) return status;
  return answered(service.conversation_contexts->save(
      call.caller.tenant_id, {.conversation_id = call.arguments[0],
                              .tenant_id = call.caller.tenant_id,
                              .active_node_ids = std::move(body->active_node_ids),
                              .trace_id = std::move(body->trace_id),
                              .root_span_name = std::move(body->root_span_name),
                              .root_span_id = std::move(body->root_span_id)}));
}

// The path's sandbox. NotFound: it has none.
absl::StatusOr<strata::ExecutionContext> sandboxOf(Service& service, const Call& call) {
  auto path = pathOf(service, call, call.arguments[1]);
  if (!path.ok()) return path.status();
  auto found =
      service.executions->getContextByPath(call.caller.tenant_id, call.arguments[0], path->id);
  if (!found.ok()) return found.status();
  if (!found->has_value()) return absl::NotFoundError("the path has no sandbox");
  return **std::move(found);
}

absl::StatusOr<Response> getSandbox(Service& service, const Call& call) {
  if (absl::Status status = checkRead(service, call); !status.ok()) return status;
  return answered(sandboxOf(service, call));
}

// The one that is there, or a new one.
absl::StatusOr<Response> putSandbox(Service& service, const Call& call) {
  auto body = bodyOf<SandboxBody>(call);
  if (!body.ok()) return body.status();
  if (absl::Status status = checkWrite(service, call); !status.ok()) return status;
  auto path = pathOf(service, call, call.arguments[1]);
  if (!path.ok()) return path.status();
  auto made = service.executions->createContext({.tenant_id = call.caller.tenant_id,
                                                 .conversation_id = call.arguments[0],
                                                 .path_id = path->id,
                                                 .sandbox_id = std::move(body->sandbox_id),
                                                 .ttl = absl::Seconds(body->ttl_seconds)});
  if (!made.ok()) return made.status();
  return jsonResponse(made->context, made->created ? 201 : 200);
}

absl::StatusOr<Response> endSandbox(Service& service, const Call& call) {
  if (absl::Status status = checkWrite(service, call); !status.ok()) return status;
  auto sandbox = sandboxOf(service, call);
  if (!sandbox.ok()) return sandbox.status();
  return answered(service.executions->terminateContext(call.caller.tenant_id, sandbox->id));
}

}  // namespace

void addPathRoutes(Router& router, Service& service) {
  const auto with = [&service](auto handler) {
    return [&service, handler](const Call& call) { return handler(service, call); };
  };
  const std::string conversation = "/v1/conversations/{}";
  const std::string path = conversation + "/paths/{}";
  router.add({"GET", conversation + "/paths", RouteCost::kRead, with(listPaths)});
  router.add({"POST", conversation + "/paths", RouteCost::kWrite, with(createPath)});
  router.add({"GET", conversation + "/active-path", RouteCost::kRead, with(getActivePath)});
  router.add({"PUT", conversation + "/active-path", RouteCost::kWrite, with(setActivePath)});
  router.add({"GET", path + "/messages", RouteCost::kRead, with(getMessages)});
  router.add({"POST", path + "/merge", RouteCost::kWrite, with(merge)});
  router.add({"GET", path + "/sandbox", RouteCost::kRead, with(getSandbox)});
  router.add({"PUT", path + "/sandbox", RouteCost::kWrite, with(putSandbox)});
  router.add({"DELETE", path + "/sandbox", RouteCost::kWrite, with(endSandbox)});
  router.add({"GET", conversation + "/context", RouteCost::kRead, with(getContext)});
  router.add({"PUT", conversation + "/context", RouteCost::kWrite, with(putContext)});
}

}  // namespace copilot
