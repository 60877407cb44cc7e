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
// A unit holds a connection of the database (in memory: the turn to write) until it ends. So be
// quick, and do not call stores of the same database without naming it: such a call may wait for
// this very unit until its time is over.
// Not for: stores of two databases.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"

namespace strata {

// What a backend does for a unit of work. Destroying one that was not committed rolls it back.
class Transaction {
 public:
  virtual ~Transaction() = default;
  // Called once at most. Unknown, DeadlineExceeded, or an exception: whether it happened is not
  // known. Any other error: it has not.
  virtual absl::Status commit() = 0;
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
  //   Unknown, DeadlineExceeded, Internal
  //                              whether it happened is not known; read to see
  //   other errors               nothing of it happened; repeat the whole unit
  absl::Status commit();
  // Undoes everything. Nothing to do where it has ended.
  void rollback();

  // ---- For stores ----

  // Ok while it is open. FailedPrecondition: it has ended, or a write of it failed, which may have
  // done half of its work, so that nothing but a rollback is left.
  absl::Status check() const;
  // A write of it failed.
  void fail();
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
  bool failed_ = false;
  std::vector<std::function<void(const absl::Status&)>> once_committed_;
};

}  // namespace strata
