// InMemoryTransactor: a Transactor over data of an InMemoryDatabase.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "src/memory/in_memory_transaction.h"
#include "stores/base/transactor.h"

namespace strata::internal {

// How tables in memory note what they change.
class InMemoryChanges {
 public:
  // Null for work that changes nothing.
  explicit InMemoryChanges(InMemoryTransaction* transaction) : transaction_(transaction) {}

  // To be called with each change.
  void made() { ++count_; }
  // To be called with the first change of data that a transaction makes: what ends the changes.
  void begun(std::function<void(bool commits)> end) { transaction_->onEnd(std::move(end)); }
  int count() const { return count_; }
  Version nextVersion() { return transaction_->nextVersion(); }

 private:
  InMemoryTransaction* const transaction_;
  int count_ = 0;
};

// The part that knows no tables. `Work` gets what its tables report their changes to.
class InMemoryWork {
 public:
  using Work = absl::FunctionRef<absl::Status(InMemoryChanges&)>;
  // Gets the unit whose changes it must not see, or kNoUnit.
  using Reading = absl::FunctionRef<absl::Status(DatabaseLock::Unit hidden)>;

  InMemoryWork(std::shared_ptr<InMemoryDatabase> database, const Clock& clock)
      : database_(std::move(database)), clock_(clock) {}

  InMemoryDatabase& database() const { return *database_; }
  absl::Status read(const ReadOptions& options, Reading work) const;
  absl::Status write(const WriteOptions& options, Work work) const;

 private:
  absl::Status writeIn(UnitOfWork& unit, Deadline deadline, Work work) const;

  const std::shared_ptr<InMemoryDatabase> database_;
  const Clock& clock_;
};

// A Data without what the unit that changes it has not committed yet, for those that read it
// meanwhile. Thread-safe.
template <typename Data>
class CommittedCopy {
 public:
  // Of `data` while `unit` changes it. Not to be called during a change.
  std::shared_ptr<Data> without(DatabaseLock::Unit unit, const Data& data) {
    const std::lock_guard lock(mutex_);
    if (unit_ != unit) copy_ = std::make_shared<Data>(data);
    unit_ = unit;
    return copy_;
  }
  // There are no changes: the copy is of no use any more.
  void drop() {
    if (unit_ == DatabaseLock::kNoUnit) return;
    const std::lock_guard lock(mutex_);
    unit_ = DatabaseLock::kNoUnit;
    copy_.reset();
  }

 private:
  std::mutex mutex_;
  std::atomic<DatabaseLock::Unit> unit_ = DatabaseLock::kNoUnit;
  std::shared_ptr<Data> copy_ ABSL_GUARDED_BY(mutex_);
};

// `InMemoryTables` implements `Tables` and is made of `Data&` and `InMemoryChanges&`.
template <typename Tables, typename InMemoryTables, typename Data>
class InMemoryTransactor final : public Transactor<Tables> {
 public:
  using Work = typename Transactor<Tables>::Work;

  // `schema` as DomainConfig's: another one has other data.
  InMemoryTransactor(std::shared_ptr<InMemoryDatabase> database, const std::string& schema,
                     const Clock& clock)
      : Transactor<Tables>(clock),
        work_(std::move(database), clock),
        data_(work_.database().tables().template data<Data>(schema)),
        committed_(work_.database().tables().template data<CommittedCopy<Data>>(schema)) {}

  Health healthCheck() override { return {.component = "store", .backend = "in-memory"}; }

 private:
  absl::Status doRead(const ReadOptions& options, Work work) override {
    return work_.read(options, [&](DatabaseLock::Unit hidden) {
      InMemoryChanges none(nullptr);
      if (hidden == DatabaseLock::kNoUnit) {
        if (options.unit == nullptr) committed_.drop();
        InMemoryTables tables(data_, none);
        return work(tables);
      }
      const std::shared_ptr<Data> copy = committed_.without(hidden, data_);
      InMemoryTables tables(*copy, none);
      return work(tables);
    });
  }
  absl::Status doWrite(const WriteOptions& options, Work work) override {
    return work_.write(options, [&](InMemoryChanges& changes) {
      InMemoryTables tables(data_, changes);
      return work(tables);
    });
  }

  const InMemoryWork work_;
  Data& data_;
  CommittedCopy<Data>& committed_;
};

}  // namespace strata::internal
