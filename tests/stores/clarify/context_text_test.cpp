// Text of users, gone through in blocks, against the same done byte by byte.
#include "stores/clarify/context_text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <string>

namespace strata::internal {
namespace {

// Longer than several blocks, and of any bytes.
rc::Gen<std::string> anyText() { return rc::gen::scale(3, rc::gen::string<std::string>()); }

RC_GTEST_PROP(CodePoints, AreAllBytesButThoseThatContinueOne, ()) {
  const std::string text = *anyText();
  const auto continues = [](char byte) { return (static_cast<unsigned char>(byte) >> 6) == 2; };
  RC_ASSERT(codePoints(text) ==
            text.size() - static_cast<std::size_t>(std::ranges::count_if(text, continues)));
}

TEST(CodePoints, AreCountedWhereverABlockEnds) {
  for (std::size_t before = 0; before < 70; ++before) {
    EXPECT_EQ(codePoints(std::string(before, 'a') + "🦉ö"), before + 2) << before;
  }
}

TEST(Prefix, EndsBetweenCodePoints) {
  EXPECT_EQ(prefix("aöb", 0), "");
  EXPECT_EQ(prefix("aöb", 2), "aö");
  EXPECT_EQ(prefix("aöb", 3), "aöb");
  EXPECT_EQ(prefix("aöb", 4), "aöb");
}

RC_GTEST_PROP(AppendOnOneLine, MakesSpacesOfControlBytesAndNothingElse, ()) {
  const std::string before = *rc::gen::string<std::string>();
  const std::string users = *anyText();
  std::string expected = before;
  for (const char c : users) {
    const bool is_control = (c >= '\0' && c < ' ') || c == '\x7F';
    expected += is_control ? ' ' : c;
  }
  std::string text = before;
  appendOnOneLine(text, users);
  RC_ASSERT(text == expected);
}

}  // namespace
}  // namespace strata::internal
