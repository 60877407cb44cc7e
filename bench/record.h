// What the benchmarks store: about 300 bytes of JSON, as a tenant's policy or a session has.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strata/base/timestamp.h"
#include "strata/records/entity.h"

namespace strata::bench {

struct Session {
  std::string id;
  std::string user;
  std::string title;
  std::int64_t message_count = 0;
  double score = 0;
  bool active = true;
  Timestamp updated_at;
  std::vector<std::string> tags;
};
BOOST_DESCRIBE_STRUCT(Session, (),
                      (id, user, title, message_count, score, active, updated_at, tags))

inline Session makeSession(int number) {
  return {.id = "0d1c7c1e-7f0b-4f9a-9a51-" + std::to_string(100'000'000'000 + number),
          .user = "a9a4ff2c-5c3e-4d5f-8f5e-0f6f3a1b2c3d",
          .title = "Notes on the third quarter, with a title of ordinary length",
          .message_count = number,
          .score = 0.1 * number,
          .active = number % 2 == 0,
          .updated_at = kMinTimestamp + std::chrono::hours(17'000'000),
          .tags = {"planning", "finance", "shared"}};
}

}  // namespace strata::bench

template <>
struct strata::Entity<strata::bench::Session> {
  static constexpr auto table = "bench_sessions";
  static constexpr strata::KeySpace keys{"bench", "session"};
  static std::string id(const strata::bench::Session& session) { return session.id; }
};
