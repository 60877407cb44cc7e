// Store<T>: values of T under ids. The one interface an application sees.
//
//   Store<FeatureFlag>& flags = ...;             // from createStore<FeatureFlag>(backends)
//   auto version = flags.put({.name = "checkout-v2", .enabled = true});
//   auto flag = flags.get("checkout-v2");
//
// Behind it stands one store, or several as decorators around each other; the caller cannot tell.
// Not for: queries over many rows, or transactions over several records; those have stores of
// their own (see stores/).
#pragma once

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "strata/base/health.h"
#include "strata/records/id.h"
#include "strata/store/options.h"
#include "strata/store/snapshot.h"
#include "strata/store/version.h"

namespace strata {

// One answer for each id that was asked for, in that order.
template <typename T>
using Snapshots = std::vector<absl::StatusOr<Snapshot<T>>>;

namespace internal {
class StagedRead;
}  // namespace internal

// A `get` of a Store<T> in stages, for fetchAll. Null: the store cannot cut it; use `get`.
template <typename T>
struct StagedGet {
  std::shared_ptr<internal::StagedRead> read;
};

// Thread-safe: every method may be called concurrently, without external synchronisation.
//
// A program's own store may stand under Strata's decorators. It is called without a lock, and may
// block, call other stores, and throw: the caller gets Internal with the type of the exception, and
// nothing of its text. A write that threw counts as one whose outcome is not known. So do what a
// record's own functions throw (Entity<T>::id, its constructors); there nothing is written.
//
// The errors of every method, by what to do about them. After an error of a call of a unit of work
// that may have done something, the unit has failed.
//
//   InvalidArgument     an id, a value or an option that no store accepts; the message says which
//   Unavailable         the backend was not asked or did nothing; retry later
//   DeadlineExceeded    time ran out; a read may be retried, a write may have happened
//   ResourceExhausted   too much in flight; retry later. isPageTooLarge: getMany of more bytes than
//                       a page has; ask for fewer. A unit of work has read 10 000 records; read less
//   DataLoss            what is stored is not a T; names table and column, never the value
//   FailedPrecondition  the backend is not set up for this store (a missing table or column)
//   PermissionDenied    the backend refused these credentials
//   AlreadyExists       a write: the database refused a value that must be unique; write another
//   Aborted             a call of a unit of work: others changed what it had read and writes, or
//                       the database ended it for their sake; repeat the whole unit (`runUnit`)
//   Unknown             a write whose outcome is not known (the connection was lost); read to see
//   Internal            code of the program's own threw or broke this contract, a defect, or an
//                       answer of the backend that cannot be; mend or report it
template <typename T>
class Store {
 public:
  virtual ~Store() = default;

  // The value under `id`, or null when there is none: absence is not an error.
  virtual absl::StatusOr<Snapshot<T>> get(const Id& id, const ReadOptions& options = {}) = 0;

  // `get` of many ids at once, for about the price of one. Ids may repeat. An error of one id does
  // not touch the others.
  virtual Snapshots<T> getMany(absl::Span<const Id> ids, const ReadOptions& options = {}) = 0;

  // Stores `item` under its id, all of it: an item that was there before is replaced. Returns the
  // row's new version.
  virtual absl::StatusOr<Version> put(const T& item, const WriteOptions& options = {}) = 0;

  // Removes what is under `id`; nothing there is success too. Returns a version newer than that of
  // anything it removed.
  virtual absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options = {}) = 0;

  // Asks the backend whether it works. Blocks up to the backend's own timeout.
  virtual Health healthCheck() = 0;

  // For fetchAll: `get` cut where it can share a round trip to the cache with the reads of other
  // stores. A decorator of the same records forwards it; where it does not, `get` is used. `id` and
  // `options` must outlive what is returned.
  virtual StagedGet<T> stagedGet(const Id& /*id*/, const ReadOptions& /*options*/) { return {}; }
};

}  // namespace strata
