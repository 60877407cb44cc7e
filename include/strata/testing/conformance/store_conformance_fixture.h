// What the tests of store_conformance.h are made of. Include that one.
#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gtest/gtest.h"
#include "strata/records/entity.h"
#include "strata/records/json_codec.h"
#include "strata/store/store.h"
#include "strata/testing/conformance/conformance_record.h"
#include "strata/testing/conformance/conformance_values.h"
#include "strata/testing/printers.h"
#include "strata/testing/status_matchers.h"

namespace strata::testing {

// What a store may declare that it cannot do, as in
//   static constexpr std::array cannot{StoreLimit::kDeadlines};
// The tests of it report that instead of failing.
enum class StoreLimit : std::uint8_t {
  kVersions,     // answers without the version of the row
  kDeadlines,    // takes its time whatever the deadline
  kLargeText,    // texts of 1 MiB
  kLongIds,      // ids longer than 255 bytes
  kCorruptRows,  // a stored row cannot be broken from outside, or is not looked at
};

std::string_view toString(StoreLimit limit);

template <typename H>
concept StoreHarness = requires(H harness, const Id& id) {
  requires EntityType<typename H::Record>;
  requires std::equality_comparable<typename H::Record>;
  {
    harness.makeStore()
    } -> std::convertible_to<absl::StatusOr<std::unique_ptr<Store<typename H::Record>>>>;
  { H::sample(id, 1) } -> std::same_as<typename H::Record>;
  { H::ids() } -> std::convertible_to<const std::vector<Id>&>;
};

template <typename H>
concept DeclaresLimits = requires {
  H::cannot;
};

// Breaks the row of an id, so that it is no Record any more.
template <typename H>
concept CorruptsRows = requires(H harness, const Id& id) {
  { harness.corrupt(id) } -> std::same_as<absl::Status>;
};

template <StoreHarness H>
class StoreConformance : public ::testing::Test {
 protected:
  using Record = typename H::Record;

  void SetUp() override {
    absl::StatusOr<std::unique_ptr<Store<Record>>> made = harness_.makeStore();
    ASSERT_THAT(made, IsOk());
    store_ = *std::move(made);
  }

  H& harness() { return harness_; }
  Store<Record>& store() { return *store_; }

  // Different ids, as many as the harness has.
  static const Id& id(std::size_t n) { return H::ids().at(n); }
  // Different values for one id.
  static Record sample(const Id& id, int n = 1) { return H::sample(id, n); }
  // A value for `id` that is such a case, in every field that is not part of the id.
  static Record filled(const Id& id, ValueCase value_case) {
    Record record = sample(id);
    for (const Field& field : typeInfo<Record>().fields) {
      const Record before = record;
      fill(field.type(), field.address(&record), value_case);
      if (!(idOf(record) == id)) record = before;
    }
    return record;
  }

  // Whether the harness declares it; if so, says it.
  static bool cannot(StoreLimit limit) {
    bool declared = false;
    if constexpr (DeclaresLimits<H>) {
      declared = std::find(H::cannot.begin(), H::cannot.end(), limit) != H::cannot.end();
    }
    if (declared) std::cout << "[ DECLARED ] this store cannot: " << toString(limit) << '\n';
    return declared;
  }

  void expectAbsent(const Id& id) { EXPECT_THAT(store().get(id), IsOkAndHolds(nullptr)); }

  void expectHolds(const Id& id, const Record& expected) {
    absl::StatusOr<Snapshot<Record>> found = store().get(id);
    ASSERT_THAT(found, IsOk());
    expectEqual(*found, expected);
  }

  static void expectEqual(const Snapshot<Record>& found, const Record& expected) {
    ASSERT_NE(found, nullptr) << "under " << ::testing::PrintToString(idOf(expected));
    EXPECT_TRUE(*found == expected)
        << "it holds    " << shown(*found) << "\ninstead of  " << shown(expected);
  }

 private:
  static std::string shown(const Record& record) {
    constexpr std::size_t kMost = 4000;
    const std::string json = encodeJson(record);
    return json.size() <= kMost ? json : json.substr(0, kMost) + " …";
  }

  H harness_;
  std::unique_ptr<Store<Record>> store_;
};

// Harnesses of the suite's own records; derive from both and add `makeStore`.
struct ConformanceRecordHarness {
  using Record = ConformanceRecord;
  static const std::vector<Id>& ids() { return nastyIds(); }
  static Record sample(const Id& id, int n);
};

struct ConformancePairHarness {
  using Record = ConformancePair;
  static const std::vector<Id>& ids() { return nastyPairs(); }
  static Record sample(const Id& id, int n);
};

}  // namespace strata::testing
