// What the suites of the conversation and path stores start from: both stores on one stack, a
// tenant that nobody else uses, and short words for what most tests do first.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "stores/base/uuid.h"
#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/path_store_factory.h"
#include "strata/records/json_codec.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/printers.h"
#include "strata/testing/status_matchers.h"

namespace strata {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::StatusIs;

inline void PrintTo(const Conversation& value, std::ostream* out) { *out << encodeJson(value); }
inline void PrintTo(const Message& value, std::ostream* out) { *out << encodeJson(value); }
inline void PrintTo(const Path& value, std::ostream* out) { *out << encodeJson(value); }

// Both stores on one database, one cache and one clock.
struct ConversationStores {
  std::unique_ptr<testing::FakeClock> clock;
  std::shared_ptr<InMemoryMetrics> metrics;
  Backends backends;
  std::unique_ptr<ConversationStore> conversations;
  std::unique_ptr<PathStore> paths;
};

struct ConversationStack {
  std::string name;
  std::function<ConversationStores()> make;
};

inline ConversationStores makeConversationStores(const Config& config) {
  ConversationStores stores{.clock = std::make_unique<testing::FakeClock>(),
                            .metrics = std::make_shared<InMemoryMetrics>(),
                            .backends = {},
                            .conversations = nullptr,
                            .paths = nullptr};
  stores.backends = connect(config, {.metrics = stores.metrics,
                                     .clock = stores.clock.get(),
                                     .memory = std::make_shared<InMemoryDatabase>()})
                        .value();
  stores.conversations = createConversationStore(stores.backends).value();
  stores.paths = createPathStore(stores.backends).value();
  return stores;
}

inline std::string nameOfStack(const ::testing::TestParamInfo<ConversationStack>& stack) {
  return stack.param.name;
}

inline void PrintTo(const ConversationStack& stack, std::ostream* out) { *out << stack.name; }

// The value; where there is none the test has failed and goes on with an empty one.
template <typename T>
T must(absl::StatusOr<T> result) {
  EXPECT_THAT(result, IsOk());
  return result.ok() ? *std::move(result) : T{};
}

inline auto notFound() { return StatusIs(absl::StatusCode::kNotFound); }
inline auto denied() { return StatusIs(absl::StatusCode::kPermissionDenied); }
inline auto forbidden() { return StatusIs(absl::StatusCode::kFailedPrecondition); }
inline auto invalid() { return StatusIs(absl::StatusCode::kInvalidArgument); }
inline auto inUseAlready() { return StatusIs(absl::StatusCode::kAlreadyExists); }

inline std::string newId() { return internal::newUuid(Clock::system().wallTime()); }
inline std::string upper(std::string_view id) {
  return absl::AsciiStrToUpper(absl::string_view(id.data(), id.size()));
}
inline Json json(std::string_view text) { return must(Json::parse(text)); }

inline std::vector<std::string> contents(const std::vector<Message>& messages) {
  std::vector<std::string> all;
  for (const Message& message : messages) all.push_back(message.content);
  return all;
}

template <typename T>
std::vector<std::string> idsOf(const std::vector<T>& values) {
  std::vector<std::string> all;
  for (const T& value : values) all.push_back(value.id);
  return all;
}

class ConversationStoresTest : public ::testing::TestWithParam<ConversationStack> {
 protected:
  Caller owner() const { return {tenant_, owner_}; }
  Caller colleague() const { return {tenant_, colleague_}; }
  Caller application() const { return {tenant_, std::nullopt}; }
  // The owner's id in another tenant, which is somebody else.
  Caller stranger() const { return {other_tenant_, owner_}; }

  Timestamp now() const { return stores_.clock->wallTime(); }
  void tick() { stores_.clock->advance(absl::Seconds(1)); }
  bool isCached() const { return stores_.backends.cache != nullptr; }
  bool isInMemory() const { return stores_.backends.database == nullptr; }

  // The owner's, in the test's tenant, unless it says otherwise.
  Conversation converse(NewConversation with = {}) {
    tick();
    if (with.tenant_id.empty()) with.tenant_id = tenant_;
    if (!with.user_id) with.user_id = owner_;
    return must(conversations_.createConversation(with));
  }
  Conversation converseWithoutOwner() {
    tick();
    return must(conversations_.createConversation({.tenant_id = tenant_}));
  }
  // At the end of `path`, or of the active one.
  Message say(const std::string& conversation, const std::string& content,
              std::optional<std::string> path = {}) {
    tick();
    return must(conversations_.appendMessage(
        owner(),
        {.conversation_id = conversation, .content = content, .path_id = std::move(path)}));
  }
  Path branch(const std::string& message, const NewBranch& with = {}) {
    tick();
    return must(paths_.branchFromMessage(tenant_, message, with));
  }
  Path primary(const std::string& conversation) {
    return must(paths_.getPrimaryPath(tenant_, conversation));
  }
  Conversation latest(const std::string& conversation) {
    const auto found = must(conversations_.getConversation(owner(), conversation,
                                                           {.consistency = Consistency::kLatest}));
    return found == nullptr ? Conversation() : *found;
  }
  Message message(const std::string& conversation, const std::string& id) {
    for (Message& each : must(conversations_.getMessages(owner(), conversation, {.limit = 1000}))) {
      if (each.id == id) return std::move(each);
    }
    ADD_FAILURE() << "no message " << id;
    return {};
  }

  // All there is of a conversation that `reader` may read, to compare before and after.
  std::vector<std::string> stateOf(const Caller& reader, const std::string& conversation) {
    std::vector<std::string> state;
    const auto record = must(conversations_.getConversation(reader, conversation,
                                                            {.consistency = Consistency::kLatest}));
    state.push_back(record == nullptr ? "none" : encodeJson(*record));
    const auto all = paths_.listPaths(reader.tenant_id, conversation, {.include_inactive = true});
    for (const Path& path : must(all)) {
      state.push_back(encodeJson(path));
      const auto own =
          conversations_.getMessages(reader, conversation, {.limit = 1000, .path_id = path.id});
      for (const Message& message : must(own)) state.push_back(encodeJson(message));
    }
    return state;
  }
  std::vector<std::string> stateOf(const std::string& conversation) {
    return stateOf(owner(), conversation);
  }

  const std::string tenant_ = newId();
  const std::string other_tenant_ = newId();
  const std::string owner_ = newId();
  const std::string colleague_ = newId();
  const ConversationStores stores_ = GetParam().make();
  ConversationStore& conversations_ = *stores_.conversations;
  PathStore& paths_ = *stores_.paths;
};

}  // namespace strata
