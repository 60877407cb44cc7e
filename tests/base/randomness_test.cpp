#include "src/base/randomness.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <set>

#include "tests/base/forked.h"

namespace strata::internal {
namespace {

using Number = std::array<std::uint64_t, 2>;

Number next() {
  Number number{};
  fillRandom(number.data(), sizeof(number));
  return number;
}

TEST(Randomness, IsOtherBytesEachTime) {
  std::set<Number> seen;
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(seen.insert(next()).second);
}

TEST(Randomness, FillsAnySize) {
  std::array<char, 1000> bytes{};
  fillRandom(bytes.data(), 0);
  fillRandom(bytes.data(), bytes.size());
  // Chance leaves four of a thousand bytes zero.
  EXPECT_LT(std::ranges::count(bytes, '\0'), 50);
}

// A child that went on with its parent's bytes would make its parent's next ids.
TEST(Randomness, OfAChildIsItsOwn) {
  next();  // the rest of a batch is there
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t child = testing::forkToDo([&] {
    const Number number = next();
    return write(ends[1], &number, sizeof(number)) == sizeof(number) ? 0 : 1;
  });
  Number of_child{};
  ASSERT_EQ(read(ends[0], &of_child, sizeof(of_child)), static_cast<ssize_t>(sizeof(of_child)));
  EXPECT_EQ(testing::exitCodeOf(child), 0);
  EXPECT_NE(of_child, next());
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace strata::internal
