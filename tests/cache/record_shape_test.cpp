// Which cells of other binaries a binary reads, and which records are told apart.
#include "src/cache/record_shape.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "src/records/members.h"
#include "strata/records/described.h"

namespace strata::internal {
namespace {

// Several versions of one type: each describes what a release may do to it.
struct Point {
  std::int32_t x = 0;
  std::int32_t y = 0;
};
BOOST_DESCRIBE_STRUCT(Point, (), (x, y))
struct Point3 {
  std::int32_t z = 0;
  std::int32_t x = 0;
  std::int32_t y = 0;
};
BOOST_DESCRIBE_STRUCT(Point3, (), (z, x, y))
struct LongPoint {
  std::int64_t x = 0;
  std::int32_t y = 0;
};
BOOST_DESCRIBE_STRUCT(LongPoint, (), (x, y))

template <typename T>
struct Holder {
  T value;
};
using HoldsPoint = Holder<Point>;
using HoldsPoint3 = Holder<Point3>;
BOOST_DESCRIBE_STRUCT(HoldsPoint, (), (value))
BOOST_DESCRIBE_STRUCT(HoldsPoint3, (), (value))

enum class Color { kRed, kBlue };
BOOST_DESCRIBE_ENUM(Color, kRed, kBlue)
enum class MoreColor { kRed, kBlue, kGreen };
BOOST_DESCRIBE_ENUM(MoreColor, kRed, kBlue, kGreen)

struct Tree {
  std::string name;
  std::vector<Tree> children;
};
BOOST_DESCRIBE_STRUCT(Tree, (), (name, children))
struct TreeWithSize {
  std::string name;
  std::vector<TreeWithSize> children;
  std::int64_t size = 0;
};
BOOST_DESCRIBE_STRUCT(TreeWithSize, (), (name, children, size))

template <typename T>
Cell filledWith(const RecordShape& shape) {
  return {.fingerprint = shape.fingerprint(), .members = shape.encodedMembers()};
}

// Whether a binary that knows Reader uses what one that knows Writer has filled.
template <typename Reader, typename Writer>
bool reads() {
  const RecordShape reader(typeInfo<Reader>());
  const RecordShape writer(typeInfo<Writer>());
  return reader.canRead(filledWith<Writer>(writer));
}

TEST(RecordShape, ReadsWhatHasAMemberMore) {
  EXPECT_TRUE((reads<Point, Point>()));
  EXPECT_TRUE((reads<Point, Point3>()));
  EXPECT_FALSE((reads<Point3, Point>())) << "z would be made up";
}

TEST(RecordShape, ReadsNoMemberOfAnotherKind) {
  EXPECT_FALSE((reads<Point, LongPoint>()));
  EXPECT_FALSE((reads<LongPoint, Point>()));
  EXPECT_FALSE((reads<std::optional<Point>, Point>()));
  EXPECT_FALSE((reads<std::vector<Point>, std::map<std::string, Point>>()));
}

TEST(RecordShape, LooksIntoPartsListsMapsAndOptionals) {
  EXPECT_TRUE((reads<HoldsPoint, HoldsPoint3>()));
  EXPECT_FALSE((reads<HoldsPoint3, HoldsPoint>()));
  EXPECT_TRUE((reads<std::vector<Point>, std::vector<Point3>>()));
  EXPECT_FALSE((reads<std::vector<Point3>, std::vector<Point>>()));
  EXPECT_TRUE((reads<std::map<std::string, std::optional<Point>>,
                     std::map<std::string, std::optional<Point3>>>()));
  EXPECT_FALSE((reads<std::map<std::string, std::optional<Point3>>,
                      std::map<std::string, std::optional<Point>>>()));
  EXPECT_FALSE((reads<HoldsPoint, Point>())) << "x of one is not value.x of the other";
}

TEST(RecordShape, ReadsATypeThatHoldsItself) {
  EXPECT_TRUE((reads<Tree, TreeWithSize>()));
  EXPECT_FALSE((reads<TreeWithSize, Tree>()));
}

// A name that a reader does not know is refused when it is read; the others are read.
TEST(RecordShape, ReadsAnEnumWithOtherEnumerators) {
  EXPECT_TRUE((reads<Color, MoreColor>()));
  EXPECT_TRUE((reads<MoreColor, Color>()));
  EXPECT_NE(fingerprint(typeInfo<Color>()), fingerprint(typeInfo<MoreColor>()));
}

TEST(RecordShape, KnowsWhatIsOfUseToOthers) {
  const RecordShape point(typeInfo<Point>());
  const RecordShape longer(typeInfo<Point3>());
  const RecordShape other(typeInfo<LongPoint>());
  EXPECT_FALSE(point.isOfUseToOthers(filledWith<Point>(point)));
  EXPECT_TRUE(point.isOfUseToOthers(filledWith<Point3>(longer)));
  EXPECT_FALSE(longer.isOfUseToOthers(filledWith<Point>(point)));
  EXPECT_TRUE(point.isOfUseToOthers(filledWith<LongPoint>(other)));
}

TEST(RecordShape, ReadsNothingFromAListThatIsCutOff) {
  const RecordShape point(typeInfo<Point>());
  const RecordShape longer(typeInfo<Point3>());
  Cell cell = filledWith<Point3>(longer);
  const std::string_view all = cell.members;
  const std::vector<std::uint32_t> hashes = memberHashes(typeInfo<Point3>());
  for (std::size_t size = 0; size < all.size(); ++size) {
    cell.members = all.substr(0, size);
    const std::vector<std::uint32_t> whole(hashes.begin(),
                                           hashes.begin() + static_cast<std::ptrdiff_t>(size / 4));
    EXPECT_EQ(point.canRead(cell), std::ranges::includes(whole, memberHashes(typeInfo<Point>())))
        << size;
  }
}

// Stored in cells: another number would make every cell of a running fleet a miss.
TEST(MemberHashes, AreTheSameInEveryVersion) {
  EXPECT_EQ(memberHashes(typeInfo<Point>()).size(), 3U) << "x, y, and that it is a struct";
  EXPECT_EQ(memberHashes(typeInfo<std::int64_t>()).size(), 1U);
  EXPECT_TRUE(std::ranges::is_sorted(memberHashes(typeInfo<TreeWithSize>())));
}

}  // namespace

struct Invoice {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(Invoice, (), (id))
struct Quote {
  std::string id;
};
BOOST_DESCRIBE_STRUCT(Quote, (), (id))

}  // namespace strata::internal

template <>
struct strata::Entity<strata::internal::Invoice> {
  static constexpr auto table = "invoices";
  static constexpr KeySpace keys{"billing", "document"};
  static std::string id(const strata::internal::Invoice& invoice) { return invoice.id; }
};
template <>
struct strata::Entity<strata::internal::Quote> {
  static constexpr auto table = "quotes";
  static constexpr KeySpace keys{"billing", "document"};
  static std::string id(const strata::internal::Quote& quote) { return quote.id; }
};

namespace strata::internal {
namespace {

TEST(CellIdentity, TellsTablesAppsAndDatabasesApart) {
  const CachingOptions here{.app = "shop", .database = "one"};
  const std::set<std::uint64_t> all{
      cellIdentity(entityInfo<Invoice>(), here), cellIdentity(entityInfo<Quote>(), here),
      cellIdentity(entityInfo<Invoice>(), {.app = "bank", .database = "one"}),
      cellIdentity(entityInfo<Invoice>(), {.app = "shop", .database = "two"}),
      cellIdentity(entityInfo<Invoice>(), {.app = "shop"})};
  EXPECT_EQ(all.size(), 5U);
  EXPECT_EQ(cellIdentity(entityInfo<Invoice>(), here), 6078068103806500624U)
      << "stored: must not change";
}

}  // namespace
}  // namespace strata::internal
