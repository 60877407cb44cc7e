// A record of the stranger's own, described once.
#pragma once

#include <string>
#include <vector>

#include "strata/records/entity.h"

struct FeatureFlag {
  std::string name;
  bool enabled = false;
  std::vector<std::string> audiences;
};
BOOST_DESCRIBE_STRUCT(FeatureFlag, (), (name, enabled, audiences))

template <>
struct strata::Entity<FeatureFlag> {
  static constexpr auto table = "feature_flags";
  static constexpr strata::KeySpace keys{"flags", "flag"};
  static std::string id(const FeatureFlag& f) { return f.name; }
};
