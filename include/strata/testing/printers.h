// How GoogleTest prints Strata's own types in a failed expectation.
#pragma once

#include <ostream>

#include "strata/records/id.h"
#include "strata/records/json.h"
#include "strata/records/json_codec.h"
#include "strata/store/snapshot.h"
#include "strata/store/version.h"

namespace strata {

inline void PrintTo(const Id& id, std::ostream* out) { *out << '"' << id.canonical() << '"'; }

inline void PrintTo(Version version, std::ostream* out) { *out << "version " << version.value(); }

inline void PrintTo(const Json& json, std::ostream* out) { *out << json.text(); }

template <typename T>
void PrintTo(const Snapshot<T>& snapshot, std::ostream* out) {
  if (snapshot == nullptr) {
    *out << "null";
  } else {
    *out << encodeJson(*snapshot) << " of ";
    PrintTo(snapshot.version(), out);
  }
}

}  // namespace strata
