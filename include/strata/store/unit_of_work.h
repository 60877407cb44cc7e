// UnitOfWork: writes to one or several stores that happen together or not at all.
//
//   auto unit = beginUnitOfWork(backends);                   // factories/unit_of_work_factory.h
//   (*flags)->put(flag, {.unit = unit->get()});
//   (*audit)->put(entry, {.unit = unit->get()});
//   absl::Status status = (*unit)->commit();
//
// Calls that name the unit see what it wrote; nobody else does before the commit. Cached copies of
// what it wrote are deleted after the commit, and left alone when it is rolled back. Nothing is
// read from a cache, nor put into one, by a call that names a unit.
//
// A unit remembers the version of each record that a Store<T> read for it, of an absent one too. A
// put or remove of such a record happens only if nobody changed the record meanwhile. Otherwise it
// answers Aborted and the unit has failed: `runUnit` repeats the whole unit. A record that is read and
// not written may change at any time (docs/units_of_work.md).
//
// A unit holds a connection of the database until it ends, and keeps other writers of what it wrote
// waiting. So be quick, and do not call stores of the same database without naming it: such a call
// may wait for this very unit until its time is over.
// Not for: stores of two databases.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "strata/store/internal/unit_reads.h"

namespace strata {

// What a backend does for a unit of work. Destroying one that was not committed rolls it back.
class Transaction {
 public:
  virtual ~Transaction() = default;
  // Called once at most. Unknown, DeadlineExceeded, or an exception: whether it happened is not
  // known. Any other error: it has not.
  virtual absl::Status commit() = 0;
  // Undoes everything and releases its locks now. Nothing is called after it. By default the
  // destruction does that.
  virtual void rollback() {}
};

// For one thread at a time. The stores whose calls name it must outlive it. Destroying one that has
// not ended rolls it back.
class UnitOfWork {
 public:
  explicit UnitOfWork(std::unique_ptr<Transaction> transaction);
  ~UnitOfWork();
  UnitOfWork(const UnitOfWork&) = delete;
  UnitOfWork& operator=(const UnitOfWork&) = delete;

  // Makes everything that was written visible. It ends the unit, whatever it answers.
  //
  //   FailedPrecondition         it has ended before, or a write of it failed: it is rolled back
  //   Aborted                    others changed what it had read and wrote, or the database ended
  //                              it for their sake: it is rolled back; repeat the whole unit
  //   Unknown, DeadlineExceeded, Internal
  //                              whether it happened is not known; read to see
  //   other errors               nothing of it happened; repeat the whole unit
  absl::Status commit();
  // Undoes everything. Nothing to do where it has ended.
  void rollback();

  // ---- For stores ----

  // Ok while it is open. FailedPrecondition: it has ended, or a call of it failed, which may have
  // done half of its work, so that nothing but a rollback is left. Aborted: the same where that call
  // answered Aborted.
  absl::Status check() const;
  // A call of it failed with `why`. It is rolled back at once, so that nobody waits for it.
  void fail(const absl::Status& why);
  // What it has read. Only while `check()` is ok.
  internal::UnitReads& reads() { return reads_; }
  // Only while `check()` is ok.
  Transaction& transaction() { return *transaction_; }
  // Calls `then` after the commit, with its outcome: ok, or an error that leaves it open whether it
  // took place. Not called when nothing happened. It may block and call stores; what it throws is
  // logged, and the others are called all the same.
  void onceCommitted(std::function<void(const absl::Status& outcome)> then);

 private:
  static void tell(const std::function<void(const absl::Status&)>& then,
                   const absl::Status& outcome);

  std::unique_ptr<Transaction> transaction_;  // null once it has ended
  absl::Status failure_;
  internal::UnitReads reads_;
  std::vector<std::function<void(const absl::Status&)>> once_committed_;
};

}  // namespace strata
