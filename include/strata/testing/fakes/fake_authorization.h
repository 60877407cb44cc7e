// FakeAuthorization: an AuthorizationService that is told what to answer and remembers what it was
// asked.
//
//   auto authorization = std::make_shared<FakeAuthorization>();
//   auto conversations = createConversationStore(backends, {.authorization = authorization});
//   authorization->deny(ConversationAction::kWrite, "it is a holiday");
//   EXPECT_THAT((*conversations)->appendMessage(caller, message),
//               StatusIs(absl::StatusCode::kPermissionDenied, "it is a holiday"));
//   EXPECT_EQ(authorization->asked().back().caller.user_id, caller.user_id);
//
// Not for: lists, which are filtered by the rules of the row whatever it answers.
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "strata/stores/conversations/conversation/authorization.h"

namespace strata::testing {

// Thread-safe. Allows everything until it is told otherwise.
class FakeAuthorization final : public AuthorizationService {
 public:
  struct Question {
    Conversation conversation;
    Caller caller;
    ConversationAction action = ConversationAction::kRead;
  };

  void allow(ConversationAction action);
  void deny(ConversationAction action, std::string reason = "denied by the test");
  void allowAll();
  void denyAll(std::string reason = "denied by the test");

  // Everything it was asked, in order.
  std::vector<Question> asked() const;

  Access decide(const Conversation& conversation, const Caller& caller,
                ConversationAction action) override;

 private:
  static constexpr std::size_t kActions = 3;

  void answer(ConversationAction action, const Access& access);

  mutable std::mutex mutex_;
  std::array<Access, kActions> answers_ ABSL_GUARDED_BY(mutex_) = {{{true, "allowed by the test"},
                                                                    {true, "allowed by the test"},
                                                                    {true, "allowed by the test"}}};
  std::vector<Question> asked_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace strata::testing
