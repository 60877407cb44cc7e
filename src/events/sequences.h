#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "strata/base/internal/seeded_hash.h"

namespace strata::internal {

// What the hubs of other processes have published on one channel, as far as it was heard. Bounded:
// of more than `kMaxInstances` the one not heard for longest is forgotten. Not thread-safe.
class EventSequences {
 public:
  static constexpr std::size_t kMaxInstances = 1024;

  struct Verdict {
    bool is_new = false;       // not heard before
    bool gap = false;          // subscribers have to be told of a gap before it
    std::uint64_t missed = 0;  // in it; zero: not known
  };

  // The first that is heard of an instance is where counting begins.
  Verdict heard(std::string_view instance_id, std::uint64_t sequence);
  // The instance tells that it could not send `missed` events up to this one.
  Verdict lost(std::string_view instance_id, std::uint64_t sequence, std::uint64_t missed);
  // Subscribers have been told of a gap: what is missing at the next event of each instance is
  // part of it.
  void disconnected();
  void clear() { instances_.clear(); }

 private:
  struct Instance {
    std::uint64_t last = 0;  // zero: nothing heard yet
    std::uint64_t heard_at = 0;
    bool gap_told = false;
  };

  Instance& instance(std::string_view id);
  void forgetOldest();

  SeededMap<Instance> instances_;
  std::uint64_t heard_ = 0;
};

}  // namespace strata::internal
