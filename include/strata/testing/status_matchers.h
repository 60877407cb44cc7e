// GoogleTest matchers for absl::Status and absl::StatusOr.
//
//   EXPECT_THAT(store.remove("a"), IsOk());
//   EXPECT_THAT(store.get("a"), IsOkAndHolds(Eq(nullptr)));
//   EXPECT_THAT(store.get(""), StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("empty")));
//   ASSERT_OK_AND_ASSIGN(Snapshot<Flag> flag, store.get("a"));
//
// Not for: code outside of tests.
#pragma once

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace strata::testing {
namespace internal {

inline const absl::Status& statusOf(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& statusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

// A polymorphic matcher of anything that has a status, by its code and its message.
class StatusIsMatcher {
 public:
  StatusIsMatcher(::testing::Matcher<absl::StatusCode> code,
                  ::testing::Matcher<const std::string&> message)
      : code_(std::move(code)), message_(std::move(message)) {}

  template <typename StatusLike>
  bool MatchAndExplain(const StatusLike& actual, ::testing::MatchResultListener* listener) const {
    const absl::Status& status = statusOf(actual);
    *listener << "whose status is " << status.ToString();
    return code_.Matches(status.code()) && message_.Matches(std::string(status.message()));
  }
  void DescribeTo(std::ostream* out) const { describe(out, "has a status whose code "); }
  void DescribeNegationTo(std::ostream* out) const {
    describe(out, "does not have a status whose code ");
  }

 private:
  void describe(std::ostream* out, const char* beginning) const {
    *out << beginning;
    code_.DescribeTo(out);
    *out << " and whose message ";
    message_.DescribeTo(out);
  }

  ::testing::Matcher<absl::StatusCode> code_;
  ::testing::Matcher<const std::string&> message_;
};

// A StatusOr that is ok and whose value matches.
template <typename ValueMatcher>
class IsOkAndHoldsMatcher {
 public:
  explicit IsOkAndHoldsMatcher(ValueMatcher matcher) : matcher_(std::move(matcher)) {}

  template <typename Result>
  operator ::testing::Matcher<Result>() const {  // NOLINT(google-explicit-constructor)
    return ::testing::Matcher<Result>(new Impl<const Result&>(matcher_));
  }

 private:
  template <typename Result>
  class Impl final : public ::testing::MatcherInterface<Result> {
   public:
    using Value = typename std::remove_cvref_t<Result>::value_type;

    explicit Impl(const ValueMatcher& matcher)
        : matcher_(::testing::SafeMatcherCast<const Value&>(matcher)) {}

    bool MatchAndExplain(Result actual, ::testing::MatchResultListener* listener) const override {
      if (!actual.ok()) {
        *listener << "whose status is " << actual.status().ToString();
        return false;
      }
      return matcher_.MatchAndExplain(*actual, listener);
    }
    void DescribeTo(std::ostream* out) const override {
      *out << "is ok and holds a value that ";
      matcher_.DescribeTo(out);
    }
    void DescribeNegationTo(std::ostream* out) const override {
      *out << "is not ok, or holds a value that ";
      matcher_.DescribeNegationTo(out);
    }

   private:
    ::testing::Matcher<const Value&> matcher_;
  };

  ValueMatcher matcher_;
};

class IsOkMatcher {
 public:
  template <typename StatusLike>
  bool MatchAndExplain(const StatusLike& actual, ::testing::MatchResultListener* listener) const {
    if (!actual.ok()) *listener << "whose status is " << statusOf(actual).ToString();
    return actual.ok();
  }
  void DescribeTo(std::ostream* out) const { *out << "is ok"; }
  void DescribeNegationTo(std::ostream* out) const { *out << "is not ok"; }
};

}  // namespace internal

// Matches an absl::Status or StatusOr that is ok.
inline auto IsOk() { return ::testing::MakePolymorphicMatcher(internal::IsOkMatcher{}); }

// Matches an absl::StatusOr that is ok and whose value matches `value`.
template <typename ValueMatcher>
auto IsOkAndHolds(ValueMatcher value) {
  return internal::IsOkAndHoldsMatcher<ValueMatcher>(std::move(value));
}

// Matches an absl::Status or StatusOr by its code, and by its message where one is given.
inline auto StatusIs(::testing::Matcher<absl::StatusCode> code,
                     ::testing::Matcher<const std::string&> message = ::testing::_) {
  return ::testing::MakePolymorphicMatcher(
      internal::StatusIsMatcher(std::move(code), std::move(message)));
}

}  // namespace strata::testing

// How GoogleTest prints a result: "NOT_FOUND: no such table", or "ok, " and the value.
namespace absl {
ABSL_NAMESPACE_BEGIN
template <typename T>
void PrintTo(const StatusOr<T>& result, std::ostream* out) {
  if (!result.ok()) {
    *out << result.status().ToString();
  } else {
    *out << "ok, " << ::testing::PrintToString(*result);
  }
}
ABSL_NAMESPACE_END
}  // namespace absl

#define STRATA_INTERNAL_JOIN(a, b) a##b
#define STRATA_INTERNAL_CONCAT(a, b) STRATA_INTERNAL_JOIN(a, b)
#define STRATA_INTERNAL_ASSERT_OK_AND_ASSIGN(result, declaration, ...)            \
  auto result = (__VA_ARGS__); /* NOLINT(bugprone-macro-parentheses) */           \
  ASSERT_TRUE(result.ok()) << #__VA_ARGS__ << ": " << result.status().ToString(); \
  declaration = std::move(result).value()

// `ASSERT_OK_AND_ASSIGN(auto flag, store.get("a"));` ends the test unless the call is ok, and
// declares (or assigns) its value.
#define STRATA_ASSERT_OK_AND_ASSIGN(declaration, ...)                                    \
  STRATA_INTERNAL_ASSERT_OK_AND_ASSIGN(STRATA_INTERNAL_CONCAT(strata_result_, __LINE__), \
                                       declaration, __VA_ARGS__)

#ifndef ASSERT_OK_AND_ASSIGN
#define ASSERT_OK_AND_ASSIGN(...) STRATA_ASSERT_OK_AND_ASSIGN(__VA_ARGS__)
#endif
#ifndef EXPECT_OK
#define EXPECT_OK(expression) EXPECT_THAT(expression, ::strata::testing::IsOk())
#endif
#ifndef ASSERT_OK
#define ASSERT_OK(expression) ASSERT_THAT(expression, ::strata::testing::IsOk())
#endif
