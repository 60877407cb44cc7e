// InMemoryDatabase: tables in the memory of this process, shared by every in-memory store that is
// made from it. What one store writes, another store of the same records reads.
//
// Not for: data that must outlive the process.
#pragma once

#include <memory>

namespace strata {

namespace internal {
class InMemoryTables;
}  // namespace internal

// Thread-safe. Tests give each test a database of its own.
class InMemoryDatabase {
 public:
  InMemoryDatabase();
  ~InMemoryDatabase();

  // The one of this process; never destroyed.
  static const std::shared_ptr<InMemoryDatabase>& shared();

  // For the stores over it.
  internal::InMemoryTables& tables() const { return *tables_; }

 private:
  const std::unique_ptr<internal::InMemoryTables> tables_;
};

}  // namespace strata
