// How long texts are, and that every text of the domain's records has a limit.
#include "stores/base/text_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "src/records/jsonb_text.h"
#include "strata/stores/clarify/clarify_pattern.h"
#include "strata/stores/clarify/clarify_session.h"
#include "strata/stores/clarify/dream.h"
#include "strata/stores/clarify/reflection.h"
#include "strata/stores/clarify/user_profile.h"
#include "strata/stores/conversation_config/conversation_config.h"
#include "strata/stores/conversations/context/conversation_context.h"
#include "strata/stores/conversations/conversation/conversation.h"
#include "strata/stores/conversations/conversation/message.h"
#include "strata/stores/conversations/execution/execution_context.h"
#include "strata/stores/conversations/path/path.h"
#include "strata/stores/policy/tenant_llm_policy.h"
#include "strata/testing/status_matchers.h"

namespace strata::internal {
namespace {

using ::testing::ElementsAre;
using testing::IsOk;
using testing::StatusIs;

// As jsonb's output function does it; text_limits_pgtest asks a server.
TEST(JsonbTextSize, IsThatOfTheTextThatPostgresqlWrites) {
  EXPECT_EQ(jsonbTextSize("{}"), 2);
  EXPECT_EQ(jsonbTextSize(R"({"a":1,"b":[1,2]})"), std::string(R"({"a": 1, "b": [1, 2]})").size());
  EXPECT_EQ(jsonbTextSize(R"(["a:b,1e+300","\\","\"e5,"])"),
            std::string(R"(["a:b,1e+300", "\\", "\"e5,"])").size());
  EXPECT_EQ(jsonbTextSize("1e+300"), 301);
  EXPECT_EQ(jsonbTextSize("-1.5e-07"), std::string("-0.00000015").size());
  EXPECT_EQ(jsonbTextSize("[1.25e+20]"), std::string("[125000000000000000000]").size());
  EXPECT_EQ(jsonbTextSize("5e-324"), 326);
  EXPECT_EQ(jsonbTextSize(R"("\u0008\u000c\u0001\\u0008")"),
            std::string(R"("\b\f\u0001\\u0008")").size());
}

// The texts and JSON of a record that have neither a limit nor a form of their own, such as ids.
template <typename T>
std::vector<std::string> unlimited() {
  const std::vector<std::string> have_a_form = {"id",
                                                "tenant_id",
                                                "user_id",
                                                "conversation_id",
                                                "path_id",
                                                "pinned_by",
                                                "active_path_id",
                                                "parent_path_id",
                                                "merged_to_path_id",
                                                "branch_point_message_id",
                                                "merge_summary_message_id"};
  std::vector<std::string> names;
  for (const Field& field : typeInfo<T>().fields) {
    const TypeInfo& type = field.type();
    const Kind kind = type.kind == Kind::kOptional ? type.element().kind : type.kind;
    const bool is_text = kind == Kind::kString || kind >= Kind::kList;
    const auto& limits = TextLimits<T>::all;
    if (!is_text || std::ranges::count(have_a_form, field.name) > 0) continue;
    if (std::ranges::count(limits, field.name, &TextLimit::field) == 1) continue;
    names.emplace_back(field.name);
  }
  return names;
}

// Only the ids of users and two texts of dreams had a limit.
TEST(TextLimits, AreThereForEveryTextOfEveryRecord) {
  EXPECT_THAT(unlimited<TenantLlmPolicy>(), ElementsAre());
  EXPECT_THAT(unlimited<ConversationConfigOverrides>(), ElementsAre());
  EXPECT_THAT(unlimited<Conversation>(), ElementsAre());
  EXPECT_THAT(unlimited<Path>(), ElementsAre());
  EXPECT_THAT(unlimited<Message>(), ElementsAre());
  EXPECT_THAT(unlimited<ConversationContext>(), ElementsAre());
  EXPECT_THAT(unlimited<ExecutionContext>(), ElementsAre());
  EXPECT_THAT(unlimited<UserProfile>(), ElementsAre());
  EXPECT_THAT(unlimited<Dream>(), ElementsAre("title", "description")) << "in code points";
  EXPECT_THAT(unlimited<ClarifyPattern>(), ElementsAre());
  EXPECT_THAT(unlimited<ClarifySession>(), ElementsAre());
  EXPECT_THAT(unlimited<Reflection>(), ElementsAre());
}

TEST(TextLimits, CountBytesAndNameFieldLengthAndLimit) {
  UserProfile user{.id = "ada"};
  for (int i = 0; i < 500; ++i) user.name = user.name.value_or("") + "ö";
  EXPECT_THAT(validateRecord(user), IsOk());
  *user.name += "x";
  EXPECT_THAT(validateRecord(user),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       "name has 1001 bytes, more than the 1000 that it may have"));
  user.name.reset();
  EXPECT_THAT(validateRecord(user), IsOk());
}

}  // namespace
}  // namespace strata::internal
