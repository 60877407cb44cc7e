// The operations of the conversation store as calls of one form; see path_calls.h.
#pragma once

#include <array>

#include "strata/factories/unit_of_work_factory.h"
#include "tests/stores/conversations/conversation/conversation_fixture.h"

namespace strata {

// What calls are about. In the scene that the suite sets, each of them succeeds.
struct CallIds {
  std::string tenant;
  std::string user;
  std::string conversation;
  std::string path;     // a branch, without any of its own
  std::string target;   // the primary path
  std::string message;  // of the branch
  std::string id;       // of what is created
};

using CallId = std::string CallIds::*;

struct StoreCall {
  std::string name;
  std::vector<CallId> uses;
  bool writes = false;
  // Whether it needs rows of the tenant; the others find an empty list, or create their own.
  bool needs_rows = true;
  std::function<absl::Status(const ConversationStores&, const CallIds&, UnitOfWork*)> run;
};

namespace calls {

inline constexpr CallId kTenant = &CallIds::tenant;
inline constexpr CallId kUser = &CallIds::user;
inline constexpr CallId kConversation = &CallIds::conversation;
inline constexpr CallId kPath = &CallIds::path;
inline constexpr CallId kTarget = &CallIds::target;
inline constexpr CallId kMessage = &CallIds::message;
inline constexpr CallId kId = &CallIds::id;

inline Caller callerOf(const CallIds& ids) { return {ids.tenant, ids.user}; }

// A list that finds nothing.
template <typename T>
absl::Status unlessEmpty(const absl::StatusOr<std::vector<T>>& list) {
  if (!list.ok()) return list.status();
  return list->empty() ? absl::NotFoundError("an empty list") : absl::OkStatus();
}

template <typename Call>
StoreCall reading(std::string name, std::vector<CallId> uses, Call call) {
  uses.push_back(kTenant);
  return {.name = std::move(name),
          .uses = std::move(uses),
          .run = [call](const ConversationStores& stores, const CallIds& ids, UnitOfWork* unit) {
            const ReadOptions options{.unit = unit};
            return call(stores, ids, options);
          }};
}

template <typename Call>
StoreCall writing(std::string name, std::vector<CallId> uses, Call call) {
  uses.push_back(kTenant);
  return {.name = std::move(name),
          .uses = std::move(uses),
          .writes = true,
          .run = [call](const ConversationStores& stores, const CallIds& ids, UnitOfWork* unit) {
            const WriteOptions options{.unit = unit};
            return call(stores, ids, options);
          }};
}

inline StoreCall withoutRows(StoreCall call) {
  call.needs_rows = false;
  return call;
}

// What a call does, in the order of everyCall's parameters.
#define STRATA_CALL [](const ConversationStores& s, const CallIds& i, const auto& o) -> absl::Status

inline std::vector<StoreCall> readingConversations() {
  const std::vector<CallId> managed{kUser, kConversation};
  return {
      reading(
          "getConversation", managed,
          STRATA_CALL {
            return s.conversations->getConversation(callerOf(i), i.conversation, o).status();
          }),
      reading(
          "listConversations", {kUser},
          STRATA_CALL {
            const auto page = s.conversations->listConversations(callerOf(i), {}, o);
            return page.ok() ? unlessEmpty<Conversation>(page->conversations) : page.status();
          }),
      reading(
          "checkAccess", managed,
          STRATA_CALL {
            return s.conversations
                ->checkAccess(callerOf(i), i.conversation, ConversationAction::kRead, o)
                .status();
          }),
  };
}

inline std::vector<StoreCall> writingConversations() {
  const std::vector<CallId> managed{kUser, kConversation};
  return {
      withoutRows(writing(
          "createConversation", {kUser, kId},
          STRATA_CALL {
            return s.conversations
                ->createConversation({.tenant_id = i.tenant, .user_id = i.user, .id = i.id}, o)
                .status();
          })),
      writing(
          "updateSharing", managed,
          STRATA_CALL {
            return s.conversations->updateSharing(callerOf(i), i.conversation, {.title = "new"}, o)
                .status();
          }),
      writing(
          "setArchivedState", managed,
          STRATA_CALL {
            return s.conversations->setArchivedState(callerOf(i), i.conversation, true, o).status();
          }),
  };
}

inline std::vector<StoreCall> ofMessages() {
  return {
      writing(
          "appendMessage", {kUser, kConversation, kPath, kId},
          STRATA_CALL {
            const NewMessage message{
                .conversation_id = i.conversation, .path_id = i.path, .id = i.id};
            return s.conversations->appendMessage(callerOf(i), message, o).status();
          }),
      writing(
          "softDeleteMessage", {kUser, kMessage},
          STRATA_CALL {
            return s.conversations->softDeleteMessage(callerOf(i), i.message, o).status();
          }),
      reading(
          "getMessages", {kUser, kConversation, kPath},
          STRATA_CALL {
            return s.conversations->getMessages(callerOf(i), i.conversation, {.path_id = i.path}, o)
                .status();
          }),
  };
}

inline std::vector<StoreCall> ofCompaction() {
  return {
      withoutRows(reading(
          "getConversationsNeedingCompaction", {},
          STRATA_CALL {
            return s.conversations->getConversationsNeedingCompaction(i.tenant, 50, o).status();
          })),
      writing(
          "recordCompaction", {kConversation},
          STRATA_CALL { return s.conversations->recordCompaction(i.tenant, i.conversation, o); }),
  };
}

}  // namespace calls

}  // namespace strata
