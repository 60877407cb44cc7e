// Two entities with one KeySpace in one process are a mistake that createStore refuses: their cached
// records would have the same keys. In memory, without a cache, it went unnoticed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "strata/factories/conversation_store_factory.h"
#include "strata/factories/validation_cache_factory.h"
#include "strata/stores/conversations/conversation/conversation.h"
#include "strata/strata.h"
#include "strata/testing/status_matchers.h"

namespace strata {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::IsOk;
using testing::StatusIs;

struct Invoice {
  std::string id;
  std::int64_t amount = 0;
};
BOOST_DESCRIBE_STRUCT(Invoice, (), (id, amount))
// A later version of the same entity.
struct NewerInvoice {
  std::string id;
  std::int64_t amount = 0;
  bool paid = false;
};
BOOST_DESCRIBE_STRUCT(NewerInvoice, (), (id, amount, paid))
struct Quote {
  std::string id;
  std::int64_t amount = 0;
};
BOOST_DESCRIBE_STRUCT(Quote, (), (id, amount))
struct Chat {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(Chat, (), (id))
struct Verdict {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(Verdict, (), (id))

}  // namespace

template <>
struct Entity<Invoice> {
  static constexpr auto table = "claims_invoices";
  static constexpr KeySpace keys{"billing", "document"};
  static std::string id(const Invoice& invoice) { return invoice.id; }
};
template <>
struct Entity<NewerInvoice> {
  static constexpr auto table = "claims_invoices";
  static constexpr KeySpace keys{"billing", "document"};
  static std::string id(const NewerInvoice& invoice) { return invoice.id; }
};
template <>
struct Entity<Quote> {
  static constexpr auto table = "claims_quotes";
  static constexpr KeySpace keys{"billing", "document"};
  static std::string id(const Quote& quote) { return quote.id; }
};
template <>
struct Entity<Chat> {
  static constexpr auto table = "claims_chats";
  static constexpr KeySpace keys = Entity<Conversation>::keys;
  static std::string id(const Chat& chat) { return chat.id; }
};
template <>
struct Entity<Verdict> {
  static constexpr auto table = "claims_verdicts";
  static constexpr KeySpace keys = Entity<CachedValidation>::keys;
  static std::string id(const Verdict& verdict) { return verdict.id; }
};

namespace {

Backends inMemory(const std::string& app = "") {
  Config config;
  config.app = app;
  return connect(config, {.memory = std::make_shared<InMemoryDatabase>()}).value();
}

TEST(KeyClaims, RefuseASecondEntityWithTheSameKeysAndNameBoth) {
  const Backends backends = inMemory();
  const auto invoices = createStore<Invoice>(backends);
  ASSERT_THAT(invoices, IsOk());
  EXPECT_THAT(createStore<Quote>(backends),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("claims_invoices"), HasSubstr("claims_quotes"),
                             HasSubstr("billing:document"))));
}

TEST(KeyClaims, LetOneEntityHaveSeveralStoresOfSeveralVersions) {
  const auto first = createStore<Invoice>(inMemory());
  const auto second = createStore<Invoice>(inMemory());
  EXPECT_THAT(second, IsOk());
  EXPECT_THAT(createStore<NewerInvoice>(inMemory()), IsOk());
}

TEST(KeyClaims, EndWithTheLastStoreThatHasThem) {
  const Backends backends = inMemory();
  auto first = createStore<Invoice>(backends).value();
  auto second = createStore<Invoice>(backends).value();
  first.reset();
  EXPECT_THAT(createStore<Quote>(backends), StatusIs(absl::StatusCode::kInvalidArgument));
  second.reset();
  EXPECT_THAT(createStore<Quote>(backends), IsOk());
}

TEST(KeyClaims, AreNotKeptByAStoreThatCouldNotBeMade) {
  EXPECT_THAT(createStore<Invoice>(inMemory(), {.cache_ttl = -absl::Seconds(1)}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(createStore<Quote>(inMemory()), IsOk());
}

TEST(KeyClaims, OfTwoAppsAreTwo) {
  const auto invoices = createStore<Invoice>(inMemory("shop"));
  EXPECT_THAT(createStore<Quote>(inMemory("bank")), IsOk());
}

TEST(KeyClaims, OfTheDomainStoresCount) {
  const Backends backends = inMemory();
  auto conversations = createConversationStore(backends);
  ASSERT_THAT(conversations, IsOk());
  EXPECT_THAT(createStore<Chat>(backends),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       AllOf(HasSubstr("claims_chats"), HasSubstr("conversations"))));
  conversations->reset();
  const auto chats = createStore<Chat>(backends);
  ASSERT_THAT(chats, IsOk());
  EXPECT_THAT(createConversationStore(backends), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(KeyClaims, OfTheValidationCacheCountWhereItHasAServer) {
  Config config;
  config.cache_url = "redis://127.0.0.1:1";  // nobody listens there
  const Backends backends = connect(config).value();
  auto verdicts = createValidationCache(backends);
  ASSERT_THAT(verdicts, IsOk());
  EXPECT_THAT(createStore<Verdict>(backends), StatusIs(absl::StatusCode::kInvalidArgument));
  verdicts->reset();
  EXPECT_THAT(createStore<Verdict>(backends), IsOk());
}

}  // namespace
}  // namespace strata
