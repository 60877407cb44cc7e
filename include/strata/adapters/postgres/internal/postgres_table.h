// PostgresTable: the rows of one entity, for code that does not know its C++ type.
//
// It is the part of PostgresStore<T> that is compiled once: all SQL, all decisions. Use
// PostgresStore<T>; use this to build a store of your own over rows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "strata/adapters/postgres/postgres_pool.h"
#include "strata/records/entity.h"
#include "strata/records/id.h"
#include "strata/store/options.h"
#include "strata/store/version.h"

namespace strata {

// What to do at start-up about the table of an entity.
enum class SchemaPolicy : std::uint8_t {
  // Create it when it is missing, add columns that are missing. Nothing missing: no DDL is sent, so
  // the right to run any is not needed. Columns are never changed or dropped.
  kCreateOrExtend,
  // Only look; something missing is FailedPrecondition.
  kVerify,
};

// A row that was read: its record, null when there was no row, and its version.
struct PostgresRow {
  std::shared_ptr<void> record;
  Version version;
};

// Thread-safe: every method may be called concurrently, without external synchronisation. Errors
// are those of Store<T>. Records are handed over as addresses of values of the entity's type.
class PostgresTable {
 public:
  // Checks that the table fits the entity; see SchemaPolicy. FailedPrecondition names the table and
  // every column that does not fit. InvalidArgument: the entity's key is of a type that cannot be
  // one; texts, enums and integers can.
  static absl::StatusOr<PostgresTable> open(std::shared_ptr<PostgresPool> pool,
                                            const EntityInfo& entity, SchemaPolicy policy);
  PostgresTable(PostgresTable&&) noexcept;
  ~PostgresTable();

  // Fills `record`, which must be a fresh default one, from the row under `id`; none when there is
  // no row. On an error `record` is left in any state.
  absl::StatusOr<std::optional<Version>> get(const Id& id, const ReadOptions& options,
                                             void* record) const;

  // One answer for each id, in order; a repeated id shares its record. One query for every 10 000
  // ids. `make` returns a fresh default record.
  std::vector<absl::StatusOr<PostgresRow>> getMany(
      absl::Span<const Id> ids, const ReadOptions& options,
      absl::FunctionRef<std::shared_ptr<void>()> make) const;

  absl::StatusOr<Version> put(const void* record, const WriteOptions& options) const;
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options) const;

  Health healthCheck() const;

 private:
  struct Impl;
  class Batch;
  explicit PostgresTable(std::unique_ptr<const Impl> impl);

  std::unique_ptr<const Impl> impl_;
};

}  // namespace strata
