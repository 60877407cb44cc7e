#include "strata/adapters/postgres/postgres_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <string_view>
#include <utility>

#include "adapters/postgres/client/array_text.h"
#include "adapters/postgres/client/pool.h"
#include "adapters/postgres/client/transaction.h"
#include "adapters/postgres/schema/schema.h"
#include "adapters/postgres/schema/table_sql.h"
#include "src/store/page_bound.h"
#include "strata/base/internal/seeded_hash.h"
#include "strata/base/status.h"
#include "strata/records/row_codec.h"
#include "strata/store/internal/unit_reads.h"
#include "strata/store/unit_of_work.h"

namespace strata::internal {

using postgres::Answer;
using postgres::Bind;
using postgres::KeyColumn;
using postgres::Rows;
using postgres::Statement;
using postgres::TableLayout;

namespace {

using AnySnapshots = Snapshots<AnyRecord>;

constexpr std::size_t kMostIdsPerQuery = 10'000;

// Gives every id that was asked for the error, so that which of them is too much does not depend on
// the order of the rows. Those that no store takes keep their own.
void refuseAll(AnySnapshots& answers, const absl::Status& error) {
  for (auto& answer : answers) {
    if (!absl::IsInvalidArgument(answer.status())) answer = error;
  }
}

Version toVersion(std::optional<std::string_view> text) {
  std::int64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return Version(value);
}

// Texts of PostgreSQL hold no NUL, so joining by it loses nothing.
std::string joined(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, std::string_view("\0", 1)));
}

// The statements of a table, and how its rows become records. All SQL of a store is here and in
// table_sql.h.
struct Table {
  Table(std::shared_ptr<PostgresPool> the_pool, const EntityInfo& the_entity,
        const TableLayout& the_layout)
      : pool(std::move(the_pool)),
        entity(the_entity),
        layout(the_layout),
        keys(layout.keys),
        name(layout.table),
        get_sql(getSql(entity, layout)),
        lock_sql(lockSql(entity, layout)),
        get_many_sql(getManySql(entity, layout)),
        put_sql(putSql(entity, layout)),
        put_absent_sql(putAbsentSql(entity, layout)),
        put_present_sql(putPresentSql(entity, layout)),
        remove_sql(removeSql(entity, layout)) {}

  template <typename Options>
  absl::StatusOr<Answer> run(const Statement& statement, absl::Span<const Bind> binds,
                             const Options& options) const {
    return postgres::run(*pool, options.unit, statement, binds, options.deadline);
  }
  // The error for an answer with another key than was asked for. Its connection is not used again:
  // its other answers may be those to other statements, too.
  absl::Status wrongAnswer(const Statement& statement, const Answer& answer,
                           UnitOfWork* unit) const;
  // The row of an answer to `statement`, whose keys are `texts`; null where it has none.
  absl::StatusOr<AnySnapshot> readFirst(const Statement& statement, const Answer& answer,
                                        const std::vector<std::string>& texts,
                                        UnitOfWork* unit) const;
  // `read` once the unit of work, if there is one, remembers it.
  absl::StatusOr<AnySnapshot> noted(const Id& id, absl::StatusOr<AnySnapshot> read,
                                    UnitOfWork* unit) const;
  // What the unit has seen under `id`, or null: a write of it is conditional on that.
  const UnitReads::Seen* seenBy(UnitOfWork* unit, const Id& id) const {
    return unit == nullptr ? nullptr : unit->reads().find(name, id);
  }
  // Aborted, and the unit fails: the record is not what it has seen.
  absl::Status changed(UnitOfWork& unit) const;
  // The texts of the key columns of the row under `id`.
  absl::StatusOr<std::vector<std::string>> keyTexts(const Id& id) const;
  absl::Status readRecord(const Rows& rows, int row, void* record) const;
  std::string keyOfRow(const Rows& rows, int row) const;
  // The column of `Rows` that the first field is in.
  int firstField() const { return postgres::kVersionColumn + (entity.has_own_id_column ? 2 : 1); }

  const std::shared_ptr<PostgresPool> pool;
  const EntityInfo& entity;
  const TableLayout layout;
  const std::vector<KeyColumn>& keys;
  const std::string& name;  // with its schema
  const Statement get_sql;
  const Statement lock_sql;
  const Statement get_many_sql;
  const Statement put_sql;
  const Statement put_absent_sql;
  const Statement put_present_sql;
  const Statement remove_sql;
};

absl::StatusOr<std::vector<std::string>> Table::keyTexts(const Id& id) const {
  if (absl::Status status = checkId(entity, id); !status.ok()) return status;
  std::vector<std::string> texts =
      entity.has_own_id_column ? std::vector<std::string>{id.canonical()} : id.segments();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    absl::Status status = checkKeyText(keys[i], texts[i]);
    if (!status.ok()) return annotate(status, entity.table);
  }
  return texts;
}

absl::Status Table::wrongAnswer(const Statement& statement, const Answer& answer,
                                UnitOfWork* unit) const {
  postgres::distrust(*pool, unit, answer);
  return absl::InternalError(
      fmt::format("{}: the database answered with a row of another key", statement.what()));
}

absl::Status Table::readRecord(const Rows& rows, int row, void* record) const {
  int column = firstField();
  for (const Field& field : entity.typeInfo().fields) {
    absl::Status status =
        fromColumnText(field.type(), rows.at(row, column++), field.address(record));
    if (!status.ok()) return annotate(status, fmt::format("{}.{}", entity.table, field.name));
  }
  return absl::OkStatus();
}

std::string Table::keyOfRow(const Rows& rows, int row) const {
  if (entity.has_own_id_column) {
    return std::string(rows.at(row, postgres::kVersionColumn + 1).value_or(""));
  }
  const auto fields = entity.typeInfo().fields;
  std::vector<std::string> texts;
  for (const KeyColumn& key : keys) {
    const auto index = static_cast<int>(key.member - fields.data());
    texts.emplace_back(rows.at(row, firstField() + index).value_or(""));
  }
  return joined(texts);
}

absl::StatusOr<AnySnapshot> Table::readFirst(const Statement& statement, const Answer& answer,
                                             const std::vector<std::string>& texts,
                                             UnitOfWork* unit) const {
  if (answer.rows.size() == 0) return nullptr;
  if (keyOfRow(answer.rows, 0) != joined(texts)) return wrongAnswer(statement, answer, unit);
  std::shared_ptr<void> record = entity.make();
  absl::Status status = readRecord(answer.rows, 0, record.get());
  if (!status.ok()) return status;
  return asSnapshot(std::move(record), toVersion(answer.rows.at(0, postgres::kVersionColumn)));
}

absl::StatusOr<AnySnapshot> Table::noted(const Id& id, absl::StatusOr<AnySnapshot> read,
                                         UnitOfWork* unit) const {
  if (unit == nullptr || !read.ok()) return read;
  absl::Status status = unit->reads().note(name, id, {*read != nullptr, read->version()});
  if (!status.ok()) return status;
  return read;
}

absl::Status Table::changed(UnitOfWork& unit) const {
  absl::Status status = UnitReads::changed(entity.table);
  unit.fail(status);
  return status;
}

// The ids of one query, each once, and where their answers go.
class Batch {
 public:
  // `is_one_of_many`: the bound of a page holds for several queries together.
  Batch(const Table& table, AnySnapshots& answers, bool is_one_of_many)
      : table_(table),
        answers_(answers),
        is_one_of_many_(is_one_of_many),
        arrays_(table.keys.size()) {}

  void add(std::size_t answer, const std::vector<std::string>& texts) {
    std::vector<std::size_t>& places = places_[joined(texts)];
    places.push_back(answer);
    if (places.size() > 1) return;
    for (std::size_t i = 0; i < texts.size(); ++i) arrays_[i].append(texts[i]);
  }

  std::size_t size() const { return places_.size(); }
  // Whether all that was read is more than a page may have.
  bool isTooLarge() const { return bytes_ > kMaxPageBytes; }

  void run(const ReadOptions& options) {
    if (places_.empty() || isTooLarge()) return;
    std::vector<Bind> binds;
    for (postgres::ArrayText& array : arrays_) binds.emplace_back(array.take());
    absl::StatusOr<Answer> answer = table_.run(table_.get_many_sql, binds, options);
    absl::Status status = answer.status();
    if (status.ok() && !isAsked(answer->rows)) {
      status = table_.wrongAnswer(table_.get_many_sql, *answer, options.unit);
    }
    if (isPageTooLarge(status)) bytes_ = kMaxPageBytes + 1;
    if (!status.ok()) {
      for (const auto& [key, places] : places_) fill(places, status);
    } else {
      if (is_one_of_many_) bytes_ += answer->rows.textBytes();
      for (int row = 0; row < answer->rows.size(); ++row) read(answer->rows, row);
    }
    places_.clear();
  }

 private:
  bool isAsked(const Rows& rows) const {
    for (int row = 0; row < rows.size(); ++row) {
      if (!places_.contains(table_.keyOfRow(rows, row))) return false;
    }
    return true;
  }

  void read(const Rows& rows, int row) {
    const auto asked = places_.find(table_.keyOfRow(rows, row));
    std::shared_ptr<void> record = table_.entity.make();
    if (absl::Status status = table_.readRecord(rows, row, record.get()); !status.ok()) {
      return fill(asked->second, status);
    }
    const Version version = toVersion(rows.at(row, postgres::kVersionColumn));
    fill(asked->second, asSnapshot(std::move(record), version));
  }

  void fill(const std::vector<std::size_t>& places, const absl::StatusOr<AnySnapshot>& with) {
    for (std::size_t place : places) answers_[place] = with;
  }

  const Table& table_;
  AnySnapshots& answers_;
  const bool is_one_of_many_;
  std::vector<postgres::ArrayText> arrays_;
  internal::SeededMap<std::vector<std::size_t>> places_;
  std::size_t bytes_ = 0;
};

class PostgresRecords final : public AnyStore {
 public:
  PostgresRecords(std::shared_ptr<PostgresPool> pool, const EntityInfo& entity,
                  const TableLayout& layout)
      : table_(std::move(pool), entity, layout) {}

  absl::StatusOr<AnySnapshot> get(const Id& id, const ReadOptions& options) override;
  // One query for every 10 000 ids; a repeated id shares its record.
  AnySnapshots getMany(absl::Span<const Id> ids, const ReadOptions& options) override;
  absl::StatusOr<Version> put(const AnyRecord& item, const WriteOptions& options) override;
  absl::StatusOr<Version> remove(const Id& id, const WriteOptions& options) override;
  Health healthCheck() override;

 private:
  absl::StatusOr<AnySnapshot> lockAndGet(const Id& id, const std::vector<std::string>& texts,
                                         const ReadOptions& options);
  // One after the other, in the order of their locks, so that two such calls never wait for each
  // other.
  AnySnapshots lockAndGetMany(absl::Span<const Id> ids, const ReadOptions& options);
  // Of a record that the unit has seen as `seen`.
  absl::StatusOr<Version> removeSeen(const Id& id, std::vector<Bind> binds, UnitReads::Seen seen,
                                     const WriteOptions& options);

  const Table table_;
};

absl::StatusOr<AnySnapshot> PostgresRecords::get(const Id& id, const ReadOptions& options) {
  absl::StatusOr<std::vector<std::string>> texts = table_.keyTexts(id);
  if (!texts.ok()) return texts.status();
  if (absl::Status status = validate(options); !status.ok()) return status;
  if (options.lock == ReadLock::kForUpdate) return lockAndGet(id, *texts, options);
  const std::vector<Bind> binds(texts->begin(), texts->end());
  absl::StatusOr<Answer> answer = table_.run(table_.get_sql, binds, options);
  if (!answer.ok()) return answer.status();
  return table_.noted(id, table_.readFirst(table_.get_sql, *answer, *texts, options.unit),
                      options.unit);
}

absl::StatusOr<AnySnapshot> PostgresRecords::lockAndGet(const Id& id,
                                                        const std::vector<std::string>& texts,
                                                        const ReadOptions& options) {
  std::vector<Bind> binds(texts.begin(), texts.end());
  binds.insert(binds.begin(), postgres::bind(postgres::lockOf(table_.entity, id)));
  // Nothing found: once more, for the row may have come during the wait for the lock.
  for (const bool again : {false, true}) {
    absl::StatusOr<Answer> answer = table_.run(table_.lock_sql, binds, options);
    if (!answer.ok()) return answer.status();
    if (answer->rows.size() == 0 && !again) continue;
    return table_.noted(id, table_.readFirst(table_.lock_sql, *answer, texts, options.unit),
                        options.unit);
  }
  return nullptr;
}

AnySnapshots PostgresRecords::lockAndGetMany(absl::Span<const Id> ids, const ReadOptions& options) {
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    order.emplace_back(postgres::lockOf(table_.entity, ids[i]), i);
  }
  std::ranges::sort(order);
  AnySnapshots answers(ids.size(), AnySnapshot());
  for (const auto& [lock, i] : order) answers[i] = get(ids[i], options);
  return answers;
}

AnySnapshots PostgresRecords::getMany(absl::Span<const Id> ids, const ReadOptions& options) {
  if (options.lock == ReadLock::kForUpdate) return lockAndGetMany(ids, options);
  AnySnapshots answers(ids.size(), AnySnapshot());
  Batch batch(table_, answers, ids.size() > kMostIdsPerQuery);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    absl::StatusOr<std::vector<std::string>> texts = table_.keyTexts(ids[i]);
    if (!texts.ok()) {
      answers[i] = texts.status();
      continue;
    }
    batch.add(i, *texts);
    if (batch.size() == kMostIdsPerQuery) batch.run(options);
  }
  batch.run(options);
  if (batch.isTooLarge()) refuseAll(answers, pageTooLarge());
  if (options.unit == nullptr) return answers;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    answers[i] = table_.noted(ids[i], std::move(answers[i]), options.unit);
  }
  return answers;
}

absl::StatusOr<Version> PostgresRecords::put(const AnyRecord& item, const WriteOptions& options) {
  const void* const record = addressOf(item);
  const EntityInfo& entity = table_.entity;
  const Id id = entity.id(record);
  if (absl::Status status = checkRecord(entity, id, record); !status.ok()) return status;
  const absl::StatusOr<std::vector<std::string>> texts = table_.keyTexts(id);
  if (!texts.ok()) return texts.status();
  absl::Status fits = postgres::checkLengths(table_.layout, record);
  if (!fits.ok()) return annotate(fits, entity.table);
  std::vector<Bind> binds{postgres::bind(postgres::lockOf(entity, id))};
  if (entity.has_own_id_column) binds.emplace_back(id.canonical());
  for (const Field& field : entity.typeInfo().fields) {
    binds.push_back(toColumnText(field.type(), field.in(record)));
  }
  const UnitReads::Seen* const seen = table_.seenBy(options.unit, id);
  const Statement* statement = &table_.put_sql;
  if (seen != nullptr) {
    statement = seen->present ? &table_.put_present_sql : &table_.put_absent_sql;
    if (seen->present) binds.push_back(postgres::bind(seen->version.value()));
  }
  absl::StatusOr<Answer> answer = table_.run(*statement, binds, options);
  if (!answer.ok()) return answer.status();
  if (answer->rows.size() == 0) {
    if (seen != nullptr) return table_.changed(*options.unit);
    return absl::FailedPreconditionError(
        fmt::format("{}: no row was stored (a trigger?)", statement->what()));
  }
  for (std::size_t i = 0; i < texts->size(); ++i) {
    if (answer->rows.at(0, static_cast<int>(i) + 1) == (*texts)[i]) continue;
    return table_.wrongAnswer(*statement, *answer, options.unit);
  }
  const Version version = toVersion(answer->rows.at(0, 0));
  if (seen != nullptr) options.unit->reads().wrote(table_.name, id, {true, version});
  return version;
}

absl::StatusOr<Version> PostgresRecords::remove(const Id& id, const WriteOptions& options) {
  absl::StatusOr<std::vector<std::string>> texts = table_.keyTexts(id);
  if (!texts.ok()) return texts.status();
  std::vector<Bind> binds(texts->begin(), texts->end());
  binds.insert(binds.begin(), {postgres::bind(postgres::lockOf(table_.entity, id)),
                               postgres::bind(std::numeric_limits<std::int64_t>::max())});
  if (const UnitReads::Seen* const seen = table_.seenBy(options.unit, id)) {
    return removeSeen(id, std::move(binds), *seen, options);
  }
  Version absent;
  // Nothing found: once more, up to the version of that finding (table_sql.cpp tells why).
  for (const bool again : {false, true}) {
    absl::StatusOr<Answer> answer = table_.run(table_.remove_sql, binds, options);
    if (!answer.ok()) return answer.status();
    if (const auto removed = answer->rows.at(0, 0)) return toVersion(removed);
    if (again) break;
    absent = toVersion(answer->rows.at(0, 1));
    binds[1] = postgres::bind(absent.value());
  }
  return absent;
}

// A version only grows, so a row that is no newer than what was seen is the one that was seen. Where
// none was seen nothing is removed that is of any account: the unit fails with it.
absl::StatusOr<Version> PostgresRecords::removeSeen(const Id& id, std::vector<Bind> binds,
                                                    UnitReads::Seen seen,
                                                    const WriteOptions& options) {
  if (seen.present) binds[1] = postgres::bind(seen.version.value());
  for (const bool again : {false, true}) {
    absl::StatusOr<Answer> answer = table_.run(table_.remove_sql, binds, options);
    if (!answer.ok()) return answer.status();
    const auto removed = answer->rows.at(0, 0);
    if (removed.has_value() != seen.present) return table_.changed(*options.unit);
    if (!removed && !again) continue;
    const Version version = toVersion(removed ? removed : answer->rows.at(0, 1));
    options.unit->reads().wrote(table_.name, id, {false, version});
    return version;
  }
  return Version();
}

Health PostgresRecords::healthCheck() {
  Health health = table_.pool->healthCheck();
  health.component = "store";
  return health;
}

}  // namespace

absl::StatusOr<std::unique_ptr<AnyStore>> createPostgresRecords(std::shared_ptr<PostgresPool> pool,
                                                                const EntityInfo& entity,
                                                                SchemaPolicy policy) {
  const auto layout = postgres::ensureTable(pool->internals(), entity, policy);
  if (!layout.ok()) return layout.status();
  return std::make_unique<PostgresRecords>(std::move(pool), entity, *layout);
}

}  // namespace strata::internal
