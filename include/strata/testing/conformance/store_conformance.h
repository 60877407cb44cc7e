// The conformance suite of stores: B-1 to B-11 of docs/behaviours.md, versions and deadlines. Every
// Store<T> of Strata passes it; so should a store of your own.
//
//   struct MyHarness : strata::testing::ConformanceRecordHarness {
//     // A store that is fresh and empty: made anew for every test.
//     absl::StatusOr<std::unique_ptr<strata::Store<Record>>> makeStore() {
//       return std::make_unique<MyStore<Record>>(...);
//     }
//     // Optional: what it cannot do. The tests of it say so by name.
//     static constexpr std::array cannot{strata::testing::StoreLimit::kCorruptRows};
//   };
//   STRATA_INSTANTIATE_STORE_CONFORMANCE(MyStore, MyHarness);   // outside of any namespace
//
// ConformanceRecordHarness tests with a record that has every kind of field, under any id;
// ConformancePairHarness with one whose composite id stands in columns of its own. For a store of
// other records, a harness has
//   using Record = ...;                         an EntityType, comparable with ==
//   static Record sample(const Id& id, int n);  different values of one id, for n from 1
//   static const std::vector<Id>& ids();        different ids, at least ten
//   absl::Status corrupt(const Id& id);         optional: makes the stored row no Record
//
// The suite includes GoogleTest's typed tests: give each store a program, or a source, of its own.
#pragma once

#include "strata/testing/conformance/store_conformance_basics.h"
#include "strata/testing/conformance/store_conformance_calls.h"
#include "strata/testing/conformance/store_conformance_fixture.h"
#include "strata/testing/conformance/store_conformance_values.h"

// GoogleTest shows the tests as MyStore/StoreBasics/0.*; several harnesses may follow the name.
#define STRATA_INSTANTIATE_STORE_CONFORMANCE(Name, ...)                   \
  namespace strata::testing {                                             \
  using ConformanceOf##Name = ::testing::Types<__VA_ARGS__>;              \
  INSTANTIATE_TYPED_TEST_SUITE_P(Name, StoreBasics, ConformanceOf##Name); \
  INSTANTIATE_TYPED_TEST_SUITE_P(Name, StoreValues, ConformanceOf##Name); \
  INSTANTIATE_TYPED_TEST_SUITE_P(Name, StoreCalls, ConformanceOf##Name);  \
  }                                                                       \
  static_assert(true)
