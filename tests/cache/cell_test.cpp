#include "src/cache/cell.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>
#include <thread>
#include <vector>

#include "strata/base/hash.h"
#include "strata/base/nonce.h"

namespace strata::internal {
namespace {

Cell someCell() {
  return {.tag = CellTag::kValue,
          .nonce = makeNonce(),
          .key_hash = 0x0123456789ABCDEF,
          .incarnation = {0xFEDCBA9876543210},
          .epoch = 3,
          .version = Version(-2),
          .codec = 0x1234,
          .fingerprint = 42,
          .payload = {"{\"a\0b\"}", 7}};
}

TEST(Cell, RoundTrips) {
  const Cell cell = someCell();
  const std::string bytes = cell.encode();
  ASSERT_EQ(bytes.size(), Cell::kHeaderBytes + 7);
  const auto parsed = Cell::parse(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->tag, cell.tag);
  EXPECT_EQ(parsed->nonce, cell.nonce);
  EXPECT_EQ(parsed->key_hash, cell.key_hash);
  EXPECT_EQ(parsed->incarnation, cell.incarnation);
  EXPECT_EQ(parsed->epoch, cell.epoch);
  EXPECT_EQ(parsed->version, cell.version);
  EXPECT_EQ(parsed->codec, cell.codec);
  EXPECT_EQ(parsed->fingerprint, cell.fingerprint);
  EXPECT_EQ(parsed->payload, cell.payload);
}

// The layout is shared by every binary of a fleet: it must not change unnoticed.
TEST(Cell, HasTheLayoutThatIsWrittenDown) {
  Cell cell = someCell();
  cell.nonce.fill('n');
  EXPECT_EQ(cell.encode(),
            std::string("V") + std::string(16, 'n') + "\x01\x23\x45\x67\x89\xAB\xCD\xEF" +
                "\xFE\xDC\xBA\x98\x76\x54\x32\x10" + std::string("\0\0\0\0\0\0\0\x03", 8) +
                "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE" + "\x12\x34" +
                std::string("\0\0\0\0\0\0\0\x2A", 8) + std::string(cell.payload));
}

// B-20
TEST(Cell, IsNotFoundInOtherBytes) {
  const std::string bytes = someCell().encode();
  EXPECT_FALSE(Cell::parse(""));
  EXPECT_FALSE(Cell::parse(bytes.substr(0, Cell::kHeaderBytes - 1)));
  EXPECT_FALSE(Cell::parse("X" + bytes.substr(1)));
}

TEST(Cell, SurvivesAnyBytes) {
  const bool holds = rc::check([](const std::string& bytes) {
    const auto cell = Cell::parse(bytes);
    if (cell) RC_ASSERT(cell->encode() == bytes);
  });
  EXPECT_TRUE(holds);
}

TEST(Nonce, IsUsedOnceByAllThreads) {
  std::array<std::vector<Nonce>, 4> made;
  std::vector<std::thread> threads;
  for (auto& own : made) {
    threads.emplace_back([&own] {
      for (int i = 0; i < 10'000; ++i) own.push_back(makeNonce());
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<Nonce> all;
  for (const auto& own : made) all.insert(own.begin(), own.end());
  EXPECT_EQ(all.size(), 40'000U);
}

// Race 2 of the protocol: a forked child counts on from where its parent was.
TEST(Nonce, OfAForkedChildIsNotOneOfItsParent) {
  makeNonce();
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe(pipe_ends.data()), 0);
  const pid_t child = fork();
  if (child == 0) {
    const Nonce nonce = makeNonce();
    const bool written = write(pipe_ends[1], nonce.data(), nonce.size()) == sizeof(Nonce);
    _exit(written ? 0 : 1);
  }
  Nonce of_child;
  ASSERT_EQ(read(pipe_ends[0], of_child.data(), of_child.size()), ssize_t{sizeof(Nonce)});
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(of_child, makeNonce());
  close(pipe_ends[0]);
  close(pipe_ends[1]);
}

// The published values of MurmurHash64A; they are stored, and so may never change.
TEST(StableHash, IsTheSameInEveryVersion) {
  EXPECT_EQ(stableHash(""), 0U);
  EXPECT_EQ(stableHash("hello"), 0x1E68D17C457BF117U);
}

TEST(StableHash, SpreadsWhatDiffersOnlyAtItsEnd) {
  std::set<std::uint64_t> high_bytes;
  for (int i = 0; i < 256; ++i) high_bytes.insert(stableHash("key:" + std::to_string(i)) >> 56);
  EXPECT_GT(high_bytes.size(), 120U) << "256 draws of 256 hit 162 on average";
}

}  // namespace
}  // namespace strata::internal
