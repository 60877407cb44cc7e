#include "strata/adapters/postgres/internal/postgres_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <limits>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "adapters/postgres/array_text.h"
#include "adapters/postgres/pool.h"
#include "adapters/postgres/schema.h"
#include "adapters/postgres/table_sql.h"
#include "adapters/postgres/transaction.h"
#include "strata/base/status.h"
#include "strata/records/row_codec.h"

namespace strata {

using postgres::Answer;
using postgres::Bind;
using postgres::KeyColumn;
using postgres::Rows;
using postgres::Statement;

namespace {

constexpr std::size_t kMostIdsPerQuery = 10'000;

Version toVersion(std::optional<std::string_view> text) {
  std::int64_t value = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return Version(value);
}

// Texts of PostgreSQL hold no NUL, so joining by it loses nothing.
std::string joined(const std::vector<std::string>& texts) {
  return fmt::format("{}", fmt::join(texts, std::string_view("\0", 1)));
}

}  // namespace

struct PostgresTable::Impl {
  Impl(std::shared_ptr<PostgresPool> the_pool, const EntityInfo& the_entity,
       std::vector<KeyColumn> the_keys)
      : pool(std::move(the_pool)),
        entity(the_entity),
        keys(std::move(the_keys)),
        get_sql(getSql(entity, keys)),
        get_many_sql(getManySql(entity, keys)),
        put_sql(putSql(entity, keys)),
        remove_sql(removeSql(entity, keys)) {}

  template <typename Options>
  absl::StatusOr<Answer> run(const Statement& statement, absl::Span<const Bind> binds,
                             const Options& options) const {
    return postgres::run(*pool, options.unit, statement, binds, options.deadline);
  }
  // The texts of the key columns of the row under `id`.
  absl::StatusOr<std::vector<std::string>> keyTexts(const Id& id) const;
  absl::Status readRecord(const Rows& rows, int row, void* record) const;
  std::string keyOfRow(const Rows& rows, int row) const;
  // The column of `Rows` that the first field is in.
  int firstField() const { return postgres::kVersionColumn + (entity.has_own_id_column ? 2 : 1); }

  const std::shared_ptr<PostgresPool> pool;
  const EntityInfo& entity;
  const std::vector<KeyColumn> keys;
  const Statement get_sql;
  const Statement get_many_sql;
  const Statement put_sql;
  const Statement remove_sql;
};

absl::StatusOr<std::vector<std::string>> PostgresTable::Impl::keyTexts(const Id& id) const {
  if (absl::Status status = checkId(entity, id); !status.ok()) return status;
  if (entity.has_own_id_column) return std::vector<std::string>{id.canonical()};
  std::vector<std::string> texts = id.segments();
  for (std::size_t i = 0; i < texts.size(); ++i) {
    absl::Status status = checkKeyText(keys[i], texts[i]);
    if (!status.ok()) return annotate(status, entity.table);
  }
  return texts;
}

absl::Status PostgresTable::Impl::readRecord(const Rows& rows, int row, void* record) const {
  int column = firstField();
  for (const Field& field : entity.typeInfo().fields) {
    absl::Status status =
        fromColumnText(field.type(), rows.at(row, column++), field.address(record));
    if (!status.ok()) return annotate(status, fmt::format("{}.{}", entity.table, field.name));
  }
  return absl::OkStatus();
}

std::string PostgresTable::Impl::keyOfRow(const Rows& rows, int row) const {
  if (entity.has_own_id_column) return std::string(*rows.at(row, postgres::kVersionColumn + 1));
  const auto fields = entity.typeInfo().fields;
  std::vector<std::string> texts;
  for (const KeyColumn& key : keys) {
    const auto index = static_cast<int>(key.member - fields.data());
    texts.emplace_back(rows.at(row, firstField() + index).value_or(""));
  }
  return joined(texts);
}

PostgresTable::PostgresTable(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
PostgresTable::PostgresTable(PostgresTable&&) noexcept = default;
PostgresTable::~PostgresTable() = default;

absl::StatusOr<PostgresTable> PostgresTable::open(std::shared_ptr<PostgresPool> pool,
                                                  const EntityInfo& entity, SchemaPolicy policy) {
  auto keys = postgres::ensureTable(pool->internals(), entity, policy);
  if (!keys.ok()) return keys.status();
  return PostgresTable(std::make_unique<const Impl>(std::move(pool), entity, *std::move(keys)));
}

absl::StatusOr<std::optional<Version>> PostgresTable::get(const Id& id, const ReadOptions& options,
                                                          void* record) const {
  absl::StatusOr<std::vector<std::string>> texts = impl_->keyTexts(id);
  if (!texts.ok()) return texts.status();
  const std::vector<Bind> binds(std::make_move_iterator(texts->begin()),
                                std::make_move_iterator(texts->end()));
  absl::StatusOr<Answer> answer = impl_->run(impl_->get_sql, binds, options);
  if (!answer.ok()) return answer.status();
  if (answer->rows.size() == 0) return std::nullopt;
  if (absl::Status status = impl_->readRecord(answer->rows, 0, record); !status.ok()) return status;
  return toVersion(answer->rows.at(0, postgres::kVersionColumn));
}

// The ids of one query, each once, and where their answers go.
class PostgresTable::Batch {
 public:
  Batch(const Impl& impl, std::vector<absl::StatusOr<PostgresRow>>& answers)
      : impl_(impl), answers_(answers), arrays_(impl.keys.size()) {}

  void add(std::size_t answer, const std::vector<std::string>& texts) {
    std::vector<std::size_t>& places = places_[joined(texts)];
    places.push_back(answer);
    if (places.size() > 1) return;
    for (std::size_t i = 0; i < texts.size(); ++i) arrays_[i].append(texts[i]);
  }

  std::size_t size() const { return places_.size(); }

  void run(const ReadOptions& options, absl::FunctionRef<std::shared_ptr<void>()> make) {
    if (places_.empty()) return;
    std::vector<Bind> binds;
    for (postgres::ArrayText& array : arrays_) binds.emplace_back(array.take());
    absl::StatusOr<Answer> answer = impl_.run(impl_.get_many_sql, binds, options);
    if (!answer.ok()) {
      for (const auto& [key, places] : places_) fill(places, answer.status());
    } else {
      for (int row = 0; row < answer->rows.size(); ++row) read(answer->rows, row, make);
    }
    places_.clear();
  }

 private:
  void read(const Rows& rows, int row, absl::FunctionRef<std::shared_ptr<void>()> make) {
    const auto asked = places_.find(impl_.keyOfRow(rows, row));
    if (asked == places_.end()) return;
    std::shared_ptr<void> record = make();
    if (absl::Status status = impl_.readRecord(rows, row, record.get()); !status.ok()) {
      return fill(asked->second, status);
    }
    const Version version = toVersion(rows.at(row, postgres::kVersionColumn));
    fill(asked->second, PostgresRow{.record = std::move(record), .version = version});
  }

  void fill(const std::vector<std::size_t>& places, const absl::StatusOr<PostgresRow>& with) {
    for (std::size_t place : places) answers_[place] = with;
  }

  const Impl& impl_;
  std::vector<absl::StatusOr<PostgresRow>>& answers_;
  std::vector<postgres::ArrayText> arrays_;
  absl::flat_hash_map<std::string, std::vector<std::size_t>> places_;
};

std::vector<absl::StatusOr<PostgresRow>> PostgresTable::getMany(
    absl::Span<const Id> ids, const ReadOptions& options,
    absl::FunctionRef<std::shared_ptr<void>()> make) const {
  std::vector<absl::StatusOr<PostgresRow>> answers(ids.size(), PostgresRow{});
  Batch batch(*impl_, answers);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    absl::StatusOr<std::vector<std::string>> texts = impl_->keyTexts(ids[i]);
    if (!texts.ok()) {
      answers[i] = texts.status();
      continue;
    }
    batch.add(i, *texts);
    if (batch.size() == kMostIdsPerQuery) batch.run(options, make);
  }
  batch.run(options, make);
  return answers;
}

absl::StatusOr<Version> PostgresTable::put(const void* record, const WriteOptions& options) const {
  const EntityInfo& entity = impl_->entity;
  const Id id = entity.id(record);
  if (absl::Status status = checkRecord(entity, id, record); !status.ok()) return status;
  if (auto texts = impl_->keyTexts(id); !texts.ok()) return texts.status();
  std::vector<Bind> binds{postgres::bind(postgres::lockOf(entity, id))};
  if (entity.has_own_id_column) binds.emplace_back(id.canonical());
  for (const Field& field : entity.typeInfo().fields) {
    binds.push_back(toColumnText(field.type(), field.in(record)));
  }
  absl::StatusOr<Answer> answer = impl_->run(impl_->put_sql, binds, options);
  if (!answer.ok()) return answer.status();
  return toVersion(answer->rows.at(0, 0));
}

absl::StatusOr<Version> PostgresTable::remove(const Id& id, const WriteOptions& options) const {
  absl::StatusOr<std::vector<std::string>> texts = impl_->keyTexts(id);
  if (!texts.ok()) return texts.status();
  std::vector<Bind> binds(texts->begin(), texts->end());
  binds.insert(binds.begin(), {postgres::bind(postgres::lockOf(impl_->entity, id)),
                               postgres::bind(std::numeric_limits<std::int64_t>::max())});
  Version absent;
  // Nothing found: once more, up to the version of that finding (table_sql.cpp tells why).
  for (const bool again : {false, true}) {
    absl::StatusOr<Answer> answer = impl_->run(impl_->remove_sql, binds, options);
    if (!answer.ok()) return answer.status();
    if (const auto removed = answer->rows.at(0, 0)) return toVersion(removed);
    if (again) break;
    absent = toVersion(answer->rows.at(0, 1));
    binds[1] = postgres::bind(absent.value());
  }
  return absent;
}

Health PostgresTable::healthCheck() const {
  Health health = impl_->pool->healthCheck();
  health.component = "store";
  return health;
}

}  // namespace strata
