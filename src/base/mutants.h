#pragma once

#include <cstdint>
#include <string_view>

namespace strata::internal {

// The protocol with one mistake in it, to show that the proofs notice. Compiled in by
// STRATA_MUTANTS alone (`./dev mutants`), where the environment's STRATA_MUTANT names the one that
// is alive; otherwise every question is answered when it is compiled.
enum class Mutant : std::uint8_t {
  kPlainCacheAside,         // a fill is a plain set
  kDoubleDelete,            // the same, and the key is deleted once more a little later
  kVersionCompare,          // a fill is refused only where something newer stands
  kTokenPerProcess,         // all leases of a process have one nonce
  kLostDeleteAcknowledged,  // a deletion that failed is forgotten
  kOrdinarySingleFlight,    // whoever comes joins the flight that is under way
  kNoIncarnation,           // a server that came back from the past is believed
  kDeleteSkippedWhileOpen,  // the breaker refuses deletions, and that is that
  kReadBeforeDrain,         // the breaker lets reads through before what is owed is deleted
  kLeaseSentTwice,          // a lease that was cut off is sent again
  kUncertainDeletedOnce,    // a write that may still come to pass counts as over
  kEpochStays,              // deletions that were forgotten are forgiven
  kMembersUnchecked,        // a cell that lacks a member of the reader's type is a hit
  kWaitWithoutBound,        // a reader looks again for as long as it finds another's lease
};

#ifdef STRATA_MUTANTS
bool isAlive(Mutant mutant);
#else
constexpr bool isAlive(Mutant /*mutant*/) { return false; }
#endif

}  // namespace strata::internal
