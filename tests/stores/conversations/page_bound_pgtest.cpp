// Pages of the conversation stores that are larger than kMaxPageBytes, in memory and on PostgreSQL.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "stores/base/uuid.h"
#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/path_store_factory.h"
#include "strata/store/page_bound.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

auto tooLarge() {
  return StatusIs(absl::StatusCode::kResourceExhausted,
                  AllOf(HasSubstr("64 MiB"), HasSubstr("ask for fewer")));
}

struct Side {
  Side(const Config& config, const Clock& clock)
      : backends(connect(config, {.clock = &clock}).value()),
        conversations(createConversationStore(backends).value()),
        paths(createPathStore(backends).value()) {}

  Backends backends;
  std::shared_ptr<ConversationStore> conversations;
  std::shared_ptr<PathStore> paths;
};

class PageBoundTest : public ::testing::Test {
 protected:
  static Config postgres() {
    Config config;
    config.database_url = testing::sharedServers().postgres().url();
    return config;
  }
  std::string newId() const { return internal::newUuid(clock_.wallTime()); }

  testing::FakeClock clock_;
  Side memory_{{}, clock_};
  Side database_{postgres(), clock_};
  const std::string tenant_ = newId();
  const Caller caller_{.tenant_id = tenant_};
};

// A page had a limit in messages alone.
TEST_F(PageBoundTest, RefuseMoreMessagesThanAPageMayHave) {
  for (Side* side : {&memory_, &database_}) {
    const auto made = side->conversations->createConversation({.tenant_id = tenant_});
    ASSERT_THAT(made, IsOk());
    for (int i = 0; i < 64; ++i) {
      const auto added = side->conversations->appendMessage(
          caller_, {.conversation_id = made->id, .content = std::string(1 << 20, 'x')});
      ASSERT_THAT(added, IsOk());
      ASSERT_THAT(side->paths->pinMessage(tenant_, added->id, std::nullopt), IsOk());
    }
    const std::string path = *made->active_path_id;
    EXPECT_THAT(side->conversations->getMessages(caller_, made->id, {.limit = 63}), IsOk());
    EXPECT_THAT(side->conversations->getMessages(caller_, made->id, {.limit = 64}), tooLarge());
    EXPECT_THAT(side->paths->resolvePathMessages(tenant_, path, {.limit = 63}), IsOk());
    EXPECT_THAT(side->paths->resolvePathMessages(tenant_, path, {}), tooLarge());
    EXPECT_THAT(side->paths->resolvePathMessages(tenant_, path, {.limit = 63, .offset = 63}),
                IsOk());
    EXPECT_THAT(side->paths->getFullPathResolution(tenant_, path), tooLarge());
    EXPECT_THAT(side->paths->getPinnedMessages(tenant_, made->id, std::nullopt), tooLarge());
    EXPECT_EQ(side->paths->getPinnedMessageCount(tenant_, made->id, std::nullopt).value_or(0), 64);
  }
}

TEST_F(PageBoundTest, EndAListOfConversationsEarlyAndGoOnThere) {
  constexpr int kConversations = 520;
  std::string text(65'000, 'x');
  const Json spec = *Json::parse("{\"a\":\"" + text + "\"}");
  for (int i = 0; i < kConversations; ++i) {
    const NewConversation made{
        .tenant_id = tenant_, .id = newId(), .authorization_spec = spec, .jurisdictions = {text}};
    ASSERT_THAT(memory_.conversations->createConversation(made), IsOk());
    ASSERT_THAT(database_.conversations->createConversation(made), IsOk());
    if (i % 3 == 0) clock_.advance(absl::Seconds(1));
  }
  std::vector<std::vector<std::string>> walks[2];
  for (const bool is_memory : {true, false}) {
    Side& side = is_memory ? memory_ : database_;
    ConversationQuery query{.limit = 1000};
    do {
      auto page = side.conversations->listConversations(caller_, query);
      ASSERT_THAT(page, IsOk());
      std::vector<std::string>& ids = walks[is_memory ? 0 : 1].emplace_back();
      for (const Conversation& one : page->conversations) ids.push_back(one.id);
      query.cursor = page->next_cursor;
    } while (query.cursor);
  }
  ASSERT_EQ(walks[0].size(), 2U);
  EXPECT_EQ(walks[0], walks[1]);
  EXPECT_EQ(walks[0][0].size() + walks[0][1].size(), kConversations);
  // 130 kB each.
  EXPECT_GE(walks[0][0].size(), kMaxPageBytes / 130'500);
  EXPECT_LT(walks[0][0].size(), kConversations);
}

TEST_F(PageBoundTest, LeaveALongPageOfShortConversationsWhole) {
  for (int i = 0; i < 460; ++i) {
    const NewConversation made{.tenant_id = tenant_, .id = newId()};
    ASSERT_THAT(memory_.conversations->createConversation(made), IsOk());
    ASSERT_THAT(database_.conversations->createConversation(made), IsOk());
  }
  for (Side* side : {&memory_, &database_}) {
    for (const std::int64_t limit : {449, 450, 459}) {
      const auto page = side->conversations->listConversations(caller_, {.limit = limit});
      ASSERT_THAT(page, IsOk());
      EXPECT_EQ(static_cast<std::int64_t>(page->conversations.size()), limit);
      EXPECT_TRUE(page->next_cursor);
    }
    const auto all = side->conversations->listConversations(caller_, {.limit = 460});
    ASSERT_THAT(all, IsOk());
    EXPECT_EQ(all->conversations.size(), 460U);
    EXPECT_FALSE(all->next_cursor);
  }
}

}  // namespace
}  // namespace strata
