#include "stores/base/uuid.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <string>

#include "strata/base/clock.h"
#include "strata/base/hash.h"
#include "strata/base/nonce.h"
#include "strata/testing/status_matchers.h"

namespace strata::internal {
namespace {

TEST(NewUuid, IsOneOfVersion7AndOccursOnce) {
  const Timestamp now = Clock::system().wallTime();
  std::set<std::string> seen;
  for (int i = 0; i < 10'000; ++i) {
    const std::string id = newUuid(now);
    EXPECT_THAT(canonicalUuid(id, "id"), testing::IsOk());
    EXPECT_EQ(id[14], '7');
    EXPECT_NE(std::string("89ab").find(id[19]), std::string::npos) << id;
    EXPECT_EQ(id.substr(0, 13), newUuid(now).substr(0, 13));
    EXPECT_TRUE(seen.insert(id).second);
  }
}

// The random half was a hash of the process's number and a counter: one id gave away all others.
TEST(NewUuid, DoesNotFollowFromTheNoncesOfTheProcess) {
  const Timestamp now = Clock::system().wallTime();
  Nonce nonce = makeNonce();
  std::uint64_t count = 0;
  std::memcpy(&count, nonce.data() + sizeof(count), sizeof(count));
  const std::string id = newUuid(now);
  for (std::uint64_t step = 0; step < 16; ++step) {
    const std::uint64_t guessed = count + step;
    std::memcpy(nonce.data() + sizeof(guessed), &guessed, sizeof(guessed));
    const std::string bytes(nonce.data(), nonce.size());
    const std::uint64_t first = stableHash(bytes);
    const std::uint64_t second = stableHash(fmt::format("{}{}", first, bytes));
    EXPECT_NE(id.substr(24), fmt::format("{:012x}", second & 0xffffffffffff));
  }
}

}  // namespace
}  // namespace strata::internal
