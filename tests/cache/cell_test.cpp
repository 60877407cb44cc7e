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
          .identity = 0x1122334455667788,
          .fingerprint = 42,
          .codec = Cell::kZstdJsonCodec,
          .members = "abcdefgh",
          .payload = {"{\"a\0b\"}", 7}};
}

// A field as a later Strata may add one.
std::string field(int number, const std::string& content) {
  const auto byte = [](std::size_t value) { return std::string(1, static_cast<char>(value)); };
  return byte(static_cast<std::size_t>(number)) + byte(content.size() >> 8) +
         byte(content.size() & 0xFF) + content;
}

// Where the size of the fields stands in every cell.
constexpr std::size_t kSizeOfFieldsAt = Cell::kHeaderBytes - 2;

// someCell(), with these fields in place of its own.
std::string withFields(const std::string& fields) {
  Cell cell = someCell();
  cell.members = {};
  std::string bytes = cell.encode();
  bytes[kSizeOfFieldsAt] = static_cast<char>(fields.size() >> 8);
  bytes[kSizeOfFieldsAt + 1] = static_cast<char>(fields.size() & 0xFF);
  return bytes.insert(Cell::kHeaderBytes, fields);
}

TEST(Cell, RoundTrips) {
  const Cell cell = someCell();
  const std::string bytes = cell.encode();
  ASSERT_EQ(bytes.size(), Cell::kHeaderBytes + 3 + 8 + 7);
  const auto parsed = Cell::parse(bytes);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->understood);
  EXPECT_EQ(parsed->tag, cell.tag);
  EXPECT_EQ(parsed->nonce, cell.nonce);
  EXPECT_EQ(parsed->key_hash, cell.key_hash);
  EXPECT_EQ(parsed->incarnation, cell.incarnation);
  EXPECT_EQ(parsed->epoch, cell.epoch);
  EXPECT_EQ(parsed->version, cell.version);
  EXPECT_EQ(parsed->format, Cell::kFormat);
  EXPECT_EQ(parsed->identity, cell.identity);
  EXPECT_EQ(parsed->fingerprint, cell.fingerprint);
  EXPECT_EQ(parsed->codec, cell.codec);
  EXPECT_EQ(parsed->members, cell.members);
  EXPECT_EQ(parsed->payload, cell.payload);
}

// The layout is shared by every binary of a fleet: it must not change unnoticed.
TEST(Cell, HasTheLayoutThatIsWrittenDown) {
  Cell cell = someCell();
  cell.nonce.fill('n');
  const std::string common =
      std::string("V") + std::string(16, 'n') + "\x01\x23\x45\x67\x89\xAB\xCD\xEF" +
      "\xFE\xDC\xBA\x98\x76\x54\x32\x10" + std::string("\0\0\0\0\0\0\0\x03", 8) +
      "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFE" + std::string("\0\x04", 2);
  EXPECT_EQ(cell.encode(), common + "\x11\x22\x33\x44\x55\x66\x77\x88" +
                               std::string("\0\0\0\0\0\0\0\x2A", 8) + "\x02" +
                               std::string("\0\x0B", 2) + field(1, "abcdefgh") +
                               std::string(cell.payload));
  cell.members = {};
  EXPECT_EQ(cell.encode().size(), Cell::kHeaderBytes + cell.payload.size());
}

// B-20
TEST(Cell, IsNotFoundInOtherBytes) {
  const std::string bytes = someCell().encode();
  EXPECT_FALSE(Cell::parse(""));
  EXPECT_FALSE(Cell::parse(bytes.substr(0, Cell::kHeaderBytes - 1)));
  EXPECT_FALSE(Cell::parse("x" + bytes.substr(1)));
  EXPECT_FALSE(Cell::parse(std::string("V") + std::string(Cell::kHeaderBytes, '\0')));
}

TEST(Cell, SkipsFieldsThatItDoesNotKnow) {
  for (const std::string& fields :
       {field(2, "later"), field(1, "abcd") + field(127, ""), field(3, "") + field(1, "abcd")}) {
    const auto parsed = Cell::parse(withFields(fields));
    ASSERT_TRUE(parsed);
    EXPECT_TRUE(parsed->understood);
    EXPECT_EQ(parsed->payload, someCell().payload);
    EXPECT_EQ(parsed->members, fields.find("abcd") == std::string::npos ? "" : "abcd");
  }
}

TEST(Cell, IsNotUnderstoodWhereSomethingOfALaterStrataMatters) {
  const std::string bytes = someCell().encode();
  std::string later_tag = bytes;
  later_tag[0] = 'M';
  std::string later_format = bytes;
  later_format[50] = 5;
  std::string earlier_format = bytes;
  earlier_format[50] = 3;
  std::string later_codec = bytes;
  later_codec[67] = 9;
  for (const std::string& found : {later_tag, later_format, earlier_format, later_codec,
                                   withFields(field(0x80 | 4, "grace"))}) {
    const auto parsed = Cell::parse(found);
    ASSERT_TRUE(parsed);
    EXPECT_FALSE(parsed->understood);
    EXPECT_EQ(parsed->key_hash, someCell().key_hash) << "what stands before the format is known";
  }
}

TEST(Cell, IsNoCellWhereItsFieldsDoNotAddUp) {
  for (const std::string& fields : {std::string("\x01"), std::string("\x01\0", 2),
                                    std::string("\x01\0\x05oops", 7), field(2, "fine") + "\x07"}) {
    EXPECT_FALSE(Cell::parse(withFields(fields)));
  }
  std::string longer_than_all = withFields("");
  longer_than_all[kSizeOfFieldsAt] = '\xFF';
  EXPECT_FALSE(Cell::parse(longer_than_all));
}

TEST(Cell, LeavesOutMembersThatFitInNoField) {
  Cell cell = someCell();
  const std::string many(0x10000, 'm');
  for (const std::size_t size : {std::size_t{0xFFFC}, std::size_t{0xFFFD}, many.size()}) {
    cell.members = std::string_view(many).substr(0, size);
    const std::string bytes = cell.encode();
    const auto parsed = Cell::parse(bytes);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->members.size(), size <= 0xFFFC ? size : 0);
    EXPECT_EQ(parsed->payload, cell.payload);
  }
}

TEST(Cell, SurvivesAnyBytes) {
  const bool holds = rc::check([](const std::string& bytes) {
    if (const auto cell = Cell::parse(bytes)) RC_ASSERT(bytes.ends_with(cell->payload));
  });
  EXPECT_TRUE(holds);
}

// Any bytes after a header that is in order, whole cells cut off, and cells with a byte changed.
TEST(Cell, SurvivesCellsThatWereTamperedWith) {
  const bool holds = rc::check([](const std::string& rest, std::size_t at, char byte) {
    const std::string good = withFields(field(1, "abcdefgh") + field(9, "later"));
    std::string changed = good;
    changed[at % changed.size()] = byte;
    for (const std::string& bytes :
         {good.substr(0, Cell::kHeaderBytes) + rest, good.substr(0, at % good.size()), changed}) {
      const auto cell = Cell::parse(bytes);
      if (!cell) continue;
      RC_ASSERT(cell->members.size() + cell->payload.size() <= bytes.size());
      RC_ASSERT(bytes.ends_with(cell->payload));
    }
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
