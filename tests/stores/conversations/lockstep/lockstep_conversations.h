// The calls of the conversation store, with arguments of a step's choosing.
#pragma once

#include "tests/stores/conversations/lockstep/lockstep_world.h"

namespace strata::lockstep {

inline std::string shown(const Caller& caller) {
  return caller.tenant_id + "/" + shown(caller.user_id);
}

inline Operation createConversation(World& world, Choices& choose) {
  NewConversation made;
  made.tenant_id = choose.spelled(choose.of(world.tenants));
  made.user_id = choose.maybeUser();
  made.id = choose.fresh("conversation", world.conversations);
  made.share_audience =
      choose.of({ShareAudience::kPrivate, ShareAudience::kTenant, ShareAudience::kPublic});
  made.tenant_access = choose.of({TenantAccess::kEdit, TenantAccess::kView});
  made.authorization_model =
      choose.oneIn(4) ? AuthorizationModel::kOpenfga : AuthorizationModel::kRbac;
  made.authorization_spec = choose.json();
  made.title = choose.maybeText();
  made.jurisdictions = choose.oneIn(3) ? std::vector<std::string>{"EU", choose.content()}
                                       : std::vector<std::string>();
  made.trace_id = choose.maybeText();
  return {described("create_conversation", {{"tenant", made.tenant_id},
                                            {"user", shown(made.user_id)},
                                            {"id", *made.id},
                                            {"audience", encodeJson(made.share_audience)},
                                            {"spec", made.authorization_spec.text()}}),
          [&world, made](Side& side) {
            const auto result = side.conversations->createConversation(made, side.writing());
            std::string answer = answerOf(side, result);
            if (result.ok()) {
              const Known row{result->tenant_id, result->id, result->id};
              world.learn(world.conversations, row);
              world.learn(world.paths, {row.tenant, row.id, side.inWords(*result->active_path_id)});
            }
            return answer;
          }};
}

inline Operation getConversation(World& world, Choices& choose) {
  const Known row = choose.known(world.conversations);
  const Caller caller = choose.callerOf(row);
  const std::string id = choose.spelled(row.id);
  return {described("get_conversation", {{"caller", shown(caller)}, {"id", id}}), [=](Side& side) {
            return answerOf(side, side.conversations->getConversation(caller, id, side.reading()));
          }};
}

inline Operation listConversations(World& world, Choices& choose) {
  const Caller caller = choose.callerOf(choose.known(world.conversations));
  ConversationQuery query;
  query.status = choose.of(
      {ConversationStatus::kActive, ConversationStatus::kAll, ConversationStatus::kArchived});
  query.limit = choose.limit();
  if (!world.cursors.empty() && choose.oneIn(2)) query.cursor = choose.of(world.cursors);
  if (choose.oneIn(40)) query.cursor = "bm9uZQ";
  return {
      described("list_conversations", {{"caller", shown(caller)},
                                       {"limit", std::to_string(query.limit)},
                                       {"status", std::to_string(static_cast<int>(query.status))},
                                       {"cursor", shown(query.cursor)}}),
      [&world, caller, query](Side& side) {
        const auto page = side.conversations->listConversations(caller, query, side.reading());
        if (page.ok() && page->next_cursor) world.cursors.push_back(*page->next_cursor);
        return answerOf(side, page);
      }};
}

inline Operation append(World& world, Choices& choose, int times) {
  const Known path = choose.known(world.paths);
  const Caller caller = choose.callerOf(path);
  NewMessage made;
  made.conversation_id =
      choose.oneIn(16) ? choose.known(world.conversations).id : path.conversation;
  const std::optional<std::string> on =
      choose.oneIn(3) ? std::nullopt : std::optional(choose.spelled(path.id));
  made.content = choose.content();
  made.role = choose.of({MessageRole::kUser, MessageRole::kAssistant, MessageRole::kSystem});
  made.metadata = choose.json();
  made.message_type =
      choose.of({MessageType::kStandard, MessageType::kSystem, MessageType::kBranchPoint});
  made.trace_id = choose.maybeText();
  std::vector<std::string> ids = {choose.fresh("message", world.messages)};
  for (int i = 1; i < times; ++i) ids.push_back(world.newId("message"));
  const std::string name = times == 1 ? "append_message" : "append_many";
  return {described(name.c_str(), {{"caller", shown(caller)},
                                   {"path", shown(on)},
                                   {"conversation", made.conversation_id},
                                   {"id", ids[0]},
                                   {"role", encodeJson(made.role)}}),
          [&world, caller, made, on, ids](Side& side) {
            NewMessage message = made;
            message.path_id = side.real(on);
            std::string answer;
            for (const std::string& id : ids) {
              message.id = id;
              const auto added = side.conversations->appendMessage(caller, message, side.writing());
              answer = answerOf(side, added);
              if (!added.ok()) break;
              world.learn(world.messages, {caller.tenant_id, added->conversation_id, id});
            }
            return answer;
          }};
}

inline Operation appendMessage(World& world, Choices& choose) { return append(world, choose, 1); }
// As many as it takes to need compaction.
inline Operation appendMany(World& world, Choices& choose) { return append(world, choose, 51); }

inline Operation softDeleteMessage(World& world, Choices& choose) {
  const Known row = choose.known(world.messages);
  const Caller caller = choose.callerOf(row);
  const std::string id = choose.spelled(row.id);
  return {described("soft_delete_message", {{"caller", shown(caller)}, {"id", id}}),
          [=](Side& side) {
            return answerOf(
                side, side.conversations->softDeleteMessage(caller, side.real(id), side.writing()));
          }};
}

inline Operation getMessages(World& world, Choices& choose) {
  const Known row = choose.known(world.conversations);
  const Caller caller = choose.callerOf(row);
  const std::string id = choose.spelled(row.id);
  MessageQuery query{.limit = choose.limit()};
  const std::optional<std::string> path =
      choose.oneIn(2) ? std::optional(choose.sibling(world.paths, row).id) : std::nullopt;
  return {described("get_messages", {{"caller", shown(caller)},
                                     {"conversation", id},
                                     {"limit", std::to_string(query.limit)},
                                     {"path", shown(path)}}),
          [=](Side& side) {
            const MessageQuery asked{.limit = query.limit, .path_id = side.real(path)};
            return answerOf(side,
                            side.conversations->getMessages(caller, id, asked, side.reading()));
          }};
}

inline Operation updateSharing(World& world, Choices& choose) {
  const Known row = choose.known(world.conversations);
  const Caller caller = choose.callerOf(row);
  const std::string id = choose.spelled(row.id);
  SharingUpdate update;
  if (choose.oneIn(2)) update.title = choose.maybeText();
  if (choose.oneIn(2)) {
    update.share_audience =
        choose.of({ShareAudience::kTenant, ShareAudience::kPrivate, ShareAudience::kPublic});
  }
  if (choose.oneIn(3)) update.tenant_access = choose.of({TenantAccess::kEdit, TenantAccess::kView});
  if (choose.oneIn(3)) {
    update.authorization_model =
        choose.of({AuthorizationModel::kOpenfga, AuthorizationModel::kRbac});
  }
  if (choose.oneIn(3)) update.authorization_spec = choose.json();
  return {described("update_sharing", {{"caller", shown(caller)},
                                       {"id", id},
                                       {"title", update.title ? shown(*update.title) : "kept"},
                                       {"audience", encodeJson(update.share_audience)},
                                       {"access", encodeJson(update.tenant_access)},
                                       {"model", encodeJson(update.authorization_model)},
                                       {"spec", encodeJson(update.authorization_spec)}}),
          [=](Side& side) {
            return answerOf(side,
                            side.conversations->updateSharing(caller, id, update, side.writing()));
          }};
}

inline Operation setArchivedState(World& world, Choices& choose) {
  const Known row = choose.known(world.conversations);
  const Caller caller = choose.callerOf(row);
  const std::string id = choose.spelled(row.id);
  const bool archived = !choose.oneIn(3);
  return {described("set_archived_state",
                    {{"caller", shown(caller)}, {"id", id}, {"archived", archived ? "yes" : "no"}}),
          [=](Side& side) {
            return answerOf(
                side, side.conversations->setArchivedState(caller, id, archived, side.writing()));
          }};
}

inline Operation checkAccess(World& world, Choices& choose) {
  const Known row = choose.known(world.conversations);
  const Caller caller = choose.callerOf(row);
  const std::string id = choose.spelled(row.id);
  const auto action = choose.of(
      {ConversationAction::kWrite, ConversationAction::kRead, ConversationAction::kManage});
  return {described("check_access", {{"caller", shown(caller)},
                                     {"id", id},
                                     {"action", std::to_string(static_cast<int>(action))}}),
          [=](Side& side) {
            return answerOf(side,
                            side.conversations->checkAccess(caller, id, action, side.reading()));
          }};
}

inline Operation needingCompaction(World& world, Choices& choose) {
  const std::string tenant = choose.spelled(choose.of(world.tenants));
  const std::int64_t limit = choose.limit();
  return {described("get_conversations_needing_compaction",
                    {{"tenant", tenant}, {"limit", std::to_string(limit)}}),
          [=](Side& side) {
            return answerOf(side, side.conversations->getConversationsNeedingCompaction(
                                      tenant, limit, side.reading()));
          }};
}

inline Operation recordCompaction(World& world, Choices& choose) {
  const Known row = choose.known(world.conversations);
  const std::string tenant = choose.tenantOf(row);
  const std::string id = choose.spelled(row.id);
  return {described("record_compaction", {{"tenant", tenant}, {"id", id}}), [=](Side& side) {
            return answerOf(side, side.conversations->recordCompaction(tenant, id, side.writing()));
          }};
}

}  // namespace strata::lockstep
