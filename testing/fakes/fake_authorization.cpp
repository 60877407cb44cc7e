#include "strata/testing/fakes/fake_authorization.h"

#include <utility>

namespace strata::testing {
namespace {

constexpr std::array kAll{ConversationAction::kRead, ConversationAction::kWrite,
                          ConversationAction::kManage};

}  // namespace

void FakeAuthorization::allow(ConversationAction action) {
  answer(action, {true, "allowed by the test"});
}

void FakeAuthorization::deny(ConversationAction action, std::string reason) {
  answer(action, {false, std::move(reason)});
}

void FakeAuthorization::allowAll() {
  for (const ConversationAction action : kAll) allow(action);
}

void FakeAuthorization::denyAll(std::string reason) {
  for (const ConversationAction action : kAll) deny(action, reason);
}

std::vector<FakeAuthorization::Question> FakeAuthorization::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

Access FakeAuthorization::decide(const Conversation& conversation, const Caller& caller,
                                 ConversationAction action) {
  const std::lock_guard lock(mutex_);
  asked_.push_back({conversation, caller, action});
  return answers_.at(static_cast<std::size_t>(action));
}

void FakeAuthorization::answer(ConversationAction action, const Access& access) {
  const std::lock_guard lock(mutex_);
  answers_.at(static_cast<std::size_t>(action)) = access;
}

}  // namespace strata::testing
