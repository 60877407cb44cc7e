// InMemoryTransactor: a Transactor over data of an InMemoryDatabase.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "src/memory/in_memory_transaction.h"
#include "stores/base/transactor.h"

namespace strata::internal {

// How tables in memory note what they change.
class InMemoryChanges {
 public:
  // Null for work that changes nothing.
  explicit InMemoryChanges(InMemoryTransaction* transaction) : transaction_(transaction) {}

  // To be called with each change: how to take it back.
  void made(std::function<void()> undo) {
    ++count_;
    transaction_->onRollback(std::move(undo));
  }
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

  InMemoryWork(std::shared_ptr<InMemoryDatabase> database, const Clock& clock)
      : database_(std::move(database)), clock_(clock) {}

  InMemoryDatabase& database() const { return *database_; }
  absl::Status read(const ReadOptions& options, Work work) const;
  absl::Status write(const WriteOptions& options, Work work) const;

 private:
  const std::shared_ptr<InMemoryDatabase> database_;
  const Clock& clock_;
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
        data_(work_.database().tables().template data<Data>(schema)) {}

  Health healthCheck() override { return {.component = "store", .backend = "in-memory"}; }

 private:
  absl::Status doRead(const ReadOptions& options, Work work) override {
    return work_.read(options, onTables(work));
  }
  absl::Status doWrite(const WriteOptions& options, Work work) override {
    return work_.write(options, onTables(work));
  }
  auto onTables(Work work) const {
    return [this, work](InMemoryChanges& changes) {
      InMemoryTables tables(data_, changes);
      return work(tables);
    };
  }

  const InMemoryWork work_;
  Data& data_;
};

}  // namespace strata::internal
