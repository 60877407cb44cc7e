#include "strata/memory/in_memory_store.h"

#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "src/memory/in_memory_tables.h"
#include "src/store/page_bound.h"
#include "strata/store/unit_of_work.h"

namespace strata::internal {
namespace {

class InMemoryRecords final : public AnyStore {
 public:
  InMemoryRecords(std::shared_ptr<InMemoryDatabase> database, InMemoryTable& table,
                  const Clock& clock)
      : database_(std::move(database)), table_(table), clock_(clock) {}

  absl::StatusOr<AnySnapshot> get(const Id& id, const ReadOptions& options) override {
    absl::StatusOr<InMemoryTable::Row> row = table_.get(id, options, clock_);
    if (!row.ok()) return row.status();
    return asSnapshot(std::move(row->value), row->version);
  }

  Snapshots<AnyRecord> getMany(absl::Span<const Id> ids, const ReadOptions& options) override {
    Snapshots<AnyRecord> answers;
    answers.reserve(ids.size());
    for (auto& row : table_.getMany(ids, options, clock_)) {
      if (!row.ok()) {
        answers.push_back(row.status());
      } else {
        answers.push_back(asSnapshot(std::move(row->value), row->version));
      }
    }
    if (options.lock == ReadLock::kNone && isTooLarge(ids, answers)) refuse(answers, options.unit);
    return answers;
  }

  absl::StatusOr<Version> put(const AnyRecord& item, const WriteOptions& options) override {
    const EntityInfo& entity = table_.entity();
    const Id id = entity.id(addressOf(item));
    absl::Status status = checkRecord(entity, id, addressOf(item));
    if (!status.ok()) return status;
    return table_.put(id, entity.copy(addressOf(item)), options, clock_);
  }

  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options) override {
    return table_.remove(id, options, clock_);
  }

  Health healthCheck() override { return {.component = "store", .backend = "in-memory"}; }

 private:
  std::size_t bytesOf(const Id& id, const absl::StatusOr<AnySnapshot>& found) const {
    if (!found.ok() || *found == nullptr) return 0;
    const EntityInfo& entity = table_.entity();
    const std::size_t bytes = pageBytes(entity.typeInfo(), addressOf(**found));
    return entity.has_own_id_column ? bytes + id.canonical().size() : bytes;
  }

  // A repeated id counts once.
  bool isTooLarge(absl::Span<const Id> ids, const Snapshots<AnyRecord>& answers) const {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) bytes += bytesOf(ids[i], answers[i]);
    if (bytes <= kMaxPageBytes) return false;
    bytes = 0;
    absl::flat_hash_set<std::string> seen;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (seen.insert(ids[i].canonical()).second) bytes += bytesOf(ids[i], answers[i]);
    }
    return bytes > kMaxPageBytes;
  }

  static void refuse(Snapshots<AnyRecord>& answers, UnitOfWork* unit) {
    for (auto& answer : answers) {
      if (!absl::IsInvalidArgument(answer.status())) answer = pageTooLarge();
    }
    if (unit != nullptr) unit->fail(pageTooLarge());
  }

  const std::shared_ptr<InMemoryDatabase> database_;
  InMemoryTable& table_;
  const Clock& clock_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<AnyStore>> createInMemoryRecords(
    std::shared_ptr<InMemoryDatabase> database, const EntityInfo& entity, const Clock& clock) {
  absl::StatusOr<InMemoryTable*> table = database->tables().table(entity);
  if (!table.ok()) return table.status();
  return std::make_unique<InMemoryRecords>(std::move(database), **table, clock);
}

}  // namespace strata::internal
