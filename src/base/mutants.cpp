#include "src/base/mutants.h"

#ifdef STRATA_MUTANTS

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace strata::internal {
namespace {

// One to a line: ./dev reads them here.
// clang-format off
constexpr std::array<std::string_view, 13> kNames{
    "plain_cache_aside",
    "double_delete",
    "version_compare",
    "token_per_process",
    "lost_delete_acknowledged",
    "ordinary_single_flight",
    "no_incarnation",
    "delete_skipped_while_open",
    "read_before_drain",
    "lease_sent_twice",
    "uncertain_deleted_once",
    "epoch_stays",
    "members_unchecked",
    "wait_without_bound",
};
// clang-format on

int numberOfAlive() {
  const char* const name = std::getenv("STRATA_MUTANT");
  if (name == nullptr || std::string_view(name).empty()) return -1;
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == name) return static_cast<int>(i);
  }
  throw std::invalid_argument(std::string("STRATA_MUTANT: there is none named ") + name);
}

}  // namespace

bool isAlive(Mutant mutant) {
  static const int alive = numberOfAlive();
  return static_cast<int>(mutant) == alive;
}

}  // namespace strata::internal

#endif
