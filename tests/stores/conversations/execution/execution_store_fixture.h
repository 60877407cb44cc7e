// What the tests of execution_store_suite.h start from.
#pragma once

#include <gmock/gmock.h>

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "strata/factories/execution_store_factory.h"
#include "strata/factories/unit_of_work_factory.h"
#include "strata/records/json_codec.h"
#include "tests/stores/conversations/conversation/conversation_rows.h"

namespace strata {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::IsOkAndHolds;
using testing::StatusIs;

inline void PrintTo(const ExecutionContext& context, std::ostream* out) {
  *out << encodeJson(context);
}

class ExecutionStoreSuite : public ::testing::TestWithParam<RowsStack> {
 protected:
  void SetUp() override { insertConversation(backends_, tenant_, conversation_, {path_, branch_}); }

  NewExecutionContext onPath(const std::string& path, absl::Duration ttl = absl::Minutes(30)) {
    return {.tenant_id = tenant_, .conversation_id = conversation_, .path_id = path, .ttl = ttl};
  }
  ExecutionContext create(const NewExecutionContext& context) {
    auto made = store_->createContext(context);
    EXPECT_THAT(made, IsOk());
    EXPECT_TRUE(made.ok() && made->created);
    return made.ok() ? made->context : ExecutionContext();
  }
  ExecutionContext create() { return create(onPath(path_)); }
  // One of a path of its own.
  ExecutionContext createApart(absl::Duration ttl) {
    NewExecutionContext context = onPath(anyUuid(), ttl);
    context.conversation_id = anyUuid();
    insertConversation(backends_, tenant_, context.conversation_id, {context.path_id});
    return create(context);
  }

  ExecutionContext stored(const std::string& id) {
    auto context = store_->getContext(tenant_, id);
    EXPECT_THAT(context, IsOk());
    return context.ok() ? *std::move(context) : ExecutionContext();
  }
  // The id of the live one.
  std::optional<std::string> liveOn(const std::string& path, const ReadOptions& options = {}) {
    const auto live = store_->getContextByPath(tenant_, conversation_, path, options);
    EXPECT_THAT(live, IsOk());
    return live.ok() && *live ? std::optional((*live)->id) : std::nullopt;
  }
  // The ids of those that have expired.
  std::vector<std::string> expired(std::int64_t limit = 50) {
    const auto found = store_->getExpiredContexts(tenant_, limit);
    EXPECT_THAT(found, IsOk());
    std::vector<std::string> ids;
    for (const ExecutionContext& context : found.value_or(std::vector<ExecutionContext>())) {
      ids.push_back(context.id);
    }
    return ids;
  }

  Timestamp in(absl::Duration time) const {
    return clock_.wallTime() + std::chrono::microseconds(absl::ToInt64Microseconds(time));
  }
  static auto notFound() { return StatusIs(absl::StatusCode::kNotFound); }
  static auto refused(const std::string& why) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why));
  }
  static auto forbidden() { return StatusIs(absl::StatusCode::kFailedPrecondition); }

  testing::FakeClock clock_;
  const Backends backends_ = GetParam().connect(clock_);
  const std::unique_ptr<ExecutionStore> store_ = createExecutionStore(backends_).value();
  const std::string tenant_ = anyUuid();
  const std::string other_tenant_ = anyUuid();
  const std::string conversation_ = anyUuid();
  const std::string path_ = anyUuid();
  const std::string branch_ = anyUuid();
};

}  // namespace strata
