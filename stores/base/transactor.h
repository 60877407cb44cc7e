// Transactor: runs what a domain store does on its tables, in one transaction.
//
// The rules of a store are written once, over an abstract class of tables that answers facts and
// takes changes. Two backends implement the tables; a transactor for each puts them into a
// transaction. So all implementations of a store decide alike.
#pragma once

#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "stores/base/store_operation.h"
#include "strata/base/clock.h"
#include "strata/base/health.h"
#include "strata/store/options.h"

namespace strata::internal {

// The answer to a read that asks for a lock.
inline absl::Status lockRefused() {
  return absl::InvalidArgumentError("this store has no reads that lock");
}

// Thread-safe. `Work` may be called again where its transaction was rolled back, so what it hands
// out it must set anew each time.
template <typename Tables>
class Transactor {
 public:
  using Work = absl::FunctionRef<absl::Status(Tables&)>;

  explicit Transactor(const Clock& clock) : clock_(clock) {}
  virtual ~Transactor() = default;

  Timestamp now() const { return clock_.wallTime(); }

  // For work that changes nothing. Its statements need not see one moment of the database, so work
  // whose answer hangs together asks once.
  // InvalidArgument: `options` ask for a lock, which only the reads of a Store<T> have.
  absl::Status read(const StoreOperation& operation, const ReadOptions& options, Work work) {
    if (options.lock != ReadLock::kNone) return lockRefused();
    return measured(operation, [&] { return doRead(options, work); });
  }

  // All that `work` writes, or nothing where it fails. In a unit of work, what it wrote before it
  // failed makes the unit fail.
  absl::Status write(const StoreOperation& operation, const WriteOptions& options, Work work) {
    return measured(operation, [&] { return doWrite(options, work); });
  }

  // The same for work that answers an absl::StatusOr<R>: that is the answer, unless the transaction
  // fails.
  template <typename R, typename Answering>
  absl::StatusOr<R> read(const StoreOperation& operation, const ReadOptions& options,
                         Answering work) {
    return answered<R>(work, [&](Work noted) { return read(operation, options, noted); });
  }
  template <typename R, typename Answering>
  absl::StatusOr<R> write(const StoreOperation& operation, const WriteOptions& options,
                          Answering work) {
    return answered<R>(work, [&](Work noted) { return write(operation, options, noted); });
  }

  virtual Health healthCheck() = 0;

 private:
  virtual absl::Status doRead(const ReadOptions& options, Work work) = 0;
  virtual absl::Status doWrite(const WriteOptions& options, Work work) = 0;

  template <typename Call>
  absl::Status measured(const StoreOperation& operation, Call call) {
    if (!operation.isOn()) return call();
    const MonotonicTime start = clock_.now();
    absl::Status status = call();
    operation.note(status, clock_.now() - start);
    return status;
  }

  template <typename R, typename Answering, typename Run>
  static absl::StatusOr<R> answered(Answering& work, Run run) {
    absl::StatusOr<R> answer;
    absl::Status status = run([&](Tables& tables) {
      answer = work(tables);
      return answer.status();
    });
    if (!status.ok()) return status;
    return answer;
  }

  const Clock& clock_;
};

}  // namespace strata::internal
