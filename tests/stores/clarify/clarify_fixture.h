// What the suites of the context platform's stores start from: the stores of two processes on one
// stack, a user that nobody else has, and short words for what most tests do first.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "stores/base/uuid.h"
#include "strata/factories/clarify_store_factory.h"
#include "strata/factories/unit_of_work_factory.h"
#include "strata/records/json_codec.h"
#include "strata/testing/fakes/fake_clock.h"
#include "strata/testing/printers.h"
#include "strata/testing/status_matchers.h"

namespace strata {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::IsOk;
using testing::IsOkAndHolds;
using ::testing::SizeIs;
using testing::StatusIs;

inline void PrintTo(const UserProfile& value, std::ostream* out) { *out << encodeJson(value); }
inline void PrintTo(const Dream& value, std::ostream* out) { *out << encodeJson(value); }
inline void PrintTo(const ClarifyPattern& value, std::ostream* out) { *out << encodeJson(value); }
inline void PrintTo(const ClarifySession& value, std::ostream* out) { *out << encodeJson(value); }
inline void PrintTo(const Reflection& value, std::ostream* out) { *out << encodeJson(value); }

// The value; where there is none the test has failed and goes on with an empty one.
template <typename T>
T must(absl::StatusOr<T> result) {
  EXPECT_THAT(result, IsOk());
  return result.ok() ? *std::move(result) : T{};
}

inline std::string newId() { return internal::newUuid(Clock::system().wallTime()); }

template <typename T>
std::vector<std::string> idsOf(const std::vector<T>& values) {
  std::vector<std::string> all;
  for (const T& value : values) all.push_back(value.id);
  return all;
}

struct ClarifyStack {
  std::string name;
  Config (*config)();
};

inline std::string nameOfStack(const ::testing::TestParamInfo<ClarifyStack>& stack) {
  return stack.param.name;
}

inline void PrintTo(const ClarifyStack& stack, std::ostream* out) { *out << stack.name; }

class ClarifyStoresTest : public ::testing::TestWithParam<ClarifyStack> {
 protected:
  void SetUp() override {
    must(stores_.users->put({.id = user_, .name = "Ada"}));
    must(stores_.users->put({.id = other_user_, .name = "Grace"}));
  }

  static auto notFound() { return StatusIs(absl::StatusCode::kNotFound); }
  static auto taken() { return StatusIs(absl::StatusCode::kAlreadyExists); }
  static auto refused(const std::string& why) {
    return StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr(why));
  }

  Timestamp now() const { return clock_.wallTime(); }
  void tick() { clock_.advance(absl::Seconds(1)); }
  bool isCached() const { return backends_.cache != nullptr; }
  std::unique_ptr<UnitOfWork> begin() { return must(beginUnitOfWork(backends_)); }

  UserProfile user() { return must(stores_.users->get(user_)); }
  Dream dream(const std::string& title) {
    tick();
    return must(stores_.dreams->create({.user_id = user_, .title = title}));
  }
  ClarifySession session(const std::string& title) {
    tick();
    return must(stores_.sessions->create({.user_id = user_, .title = title}));
  }
  Reflection reflection(ReflectionTone tone = ReflectionTone::kGentle) {
    tick();
    return must(stores_.reflections->create({.user_id = user_, .tone = tone}));
  }
  static ClarifyPattern pattern(const std::string& content, int strength) {
    return {.content = content, .strength = strength};
  }

  Backends connectAgain() {
    return connect(GetParam().config(), {.metrics = metrics_, .clock = &clock_, .memory = memory_})
        .value();
  }

  testing::FakeClock clock_;
  const std::shared_ptr<InMemoryMetrics> metrics_ = std::make_shared<InMemoryMetrics>();
  const std::shared_ptr<InMemoryDatabase> memory_ = std::make_shared<InMemoryDatabase>();
  const Backends backends_ = connectAgain();
  const ClarifyStores stores_ = must(createClarifyStores(backends_));
  // Of another process; a cache in the memory of a process is not shared with another.
  const Backends other_backends_ =
      GetParam().config().cache_provider == CacheProvider::kMemory ? backends_ : connectAgain();
  const ClarifyStores other_ = must(createClarifyStores(other_backends_));
  const std::string user_ = "ada: " + newId();
  const std::string other_user_ = "grace 100% größer " + newId();
};

}  // namespace strata
