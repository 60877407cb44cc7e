#include "strata/base/internal/seeded_hash.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/internal/hashtable_debug.h"
#include "strata/base/hash.h"
#include "tests/base/colliding_ids.h"

namespace strata::internal {
namespace {

constexpr std::size_t kIds = 16'384;

// How many are in the fullest of as many buckets as there are ids.
template <typename Hash>
std::size_t fullestBucket(const std::vector<std::string>& ids, Hash hash) {
  std::vector<std::size_t> buckets(ids.size());
  std::size_t fullest = 0;
  for (const std::string& id : ids) {
    fullest = std::max(fullest, ++buckets[hash(id) % buckets.size()]);
  }
  return fullest;
}

// From the paper, where the key is 00 01 … 0f and the text 00 01 … 0e.
TEST(SipHash, IsThatOfItsAuthors) {
  constexpr SipKey kKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  std::string text;
  EXPECT_EQ((sipHash<2, 4>(kKey, text)), 0x726fdb47dd0e0e31U);
  for (char c = 0; c < 15; ++c) text += c;
  EXPECT_EQ((sipHash<2, 4>(kKey, text)), 0xa129ca6149be45e5U);
}

// Maps and shards were found by functions without a secret: ids that a caller chose so that they
// collide made the in-memory cache 370 times slower.
TEST(SeededHash, SpreadsIdsThatCollideElsewhere) {
  const std::vector<std::string> ids = testing::collidingIds(kIds);
  ASSERT_EQ(std::set<std::string>(ids.begin(), ids.end()).size(), kIds);
  ASSERT_EQ(fullestBucket(ids, [](const auto& id) { return stableHash(id); }), kIds);
  ASSERT_EQ(fullestBucket(ids, std::hash<std::string_view>{}), kIds);
  // 16 384 balls in as many bins: more than 16 in one happen once in 10^10.
  EXPECT_LE(fullestBucket(ids, seededHash), 16U);
  EXPECT_LE(fullestBucket(ids, [](const auto& id) { return seededHash(id) >> 40; }), 16U);
  EXPECT_LE(fullestBucket(ids, [](const auto& id) { return shardOfHash(seededHash(id), kIds); }),
            16U);
}

struct StableHash {
  std::size_t operator()(const std::string& text) const { return stableHash(text); }
};

// How often a look-up of any of `ids` compares or goes on, in sum.
template <typename Map>
std::size_t probesOf(const std::vector<std::string>& ids) {
  Map map;
  for (const std::string& id : ids) map.emplace(id, 1);
  std::size_t probes = 0;
  for (const std::string& id : ids) {
    probes += absl::container_internal::GetHashtableDebugNumProbes(map, id);
  }
  return probes;
}

TEST(SeededHash, AMapOfIdsThatCollideElsewhereIsAsFastAsAny) {
  const std::vector<std::string> ids = testing::collidingIds(2'048);
  EXPECT_GT((probesOf<absl::flat_hash_map<std::string, int, StableHash>>(ids)), 100 * ids.size());
  EXPECT_LT((probesOf<SeededMap<int>>(ids)), ids.size());
}

TEST(SeededHash, DependsOnTheKey) {
  const std::string text = "order:o1";
  std::set<std::uint64_t> hashes;
  for (std::uint64_t i = 0; i < 100; ++i) {
    hashes.insert(sipHash<1, 3>({.first = i}, text));
    hashes.insert(sipHash<1, 3>({.second = i + 1}, text));
  }
  EXPECT_EQ(hashes.size(), 200U);
  EXPECT_EQ(seededHash(text), seededHash(text));
}

TEST(SeededHash, AMapFindsAViewOfItsKeys) {
  SeededMap<int> map;
  map.emplace("a", 1);
  EXPECT_EQ(map.find(std::string_view("a"))->second, 1);
  EXPECT_FALSE(map.contains(std::string_view("b")));
}

}  // namespace
}  // namespace strata::internal
