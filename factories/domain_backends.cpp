#include "factories/domain_backends.h"

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <utility>

#include "strata/base/status.h"
#include "strata/factories/app.h"

namespace strata::internal {
namespace {

struct InSchema {
  InSchema(const EntityInfo& entity, const std::string& schema)
      : table(fmt::format("{}.{}", schema, entity.table)), info(entity) {
    info.table = table;
    info.keys = entity.keys.inSchema(schema);
  }
  InSchema(const InSchema&) = delete;
  InSchema& operator=(const InSchema&) = delete;

  const std::string table;
  EntityInfo info;
};

}  // namespace

Backends domainBackends(Backends backends) {
  backends.config = withDomainApp(std::move(backends.config));
  return backends;
}

absl::StatusOr<std::string> domainSchema(const Backends& backends) {
  if (absl::Status status = validate(backends.config); !status.ok()) return status;
  return backends.config.domain.schema;
}

absl::Status migrateDomain(const Backends& backends, std::span<const Migration> migrations,
                           std::string_view store) {
  if (backends.database == nullptr) return absl::OkStatus();
  const absl::StatusOr<std::string> schema = domainSchema(backends);
  if (!schema.ok()) return schema.status();
  const absl::Status migrated =
      applyMigrations(*backends.database, migrations, {.schema = *schema});
  return migrated.ok() ? migrated : annotate(migrated, fmt::format("migrating {}", store));
}

const EntityInfo& domainEntity(const Backends& backends, const EntityInfo& entity) {
  const std::string& schema = backends.config.domain.schema;
  if (schema.empty()) return entity;
  using Key = std::pair<const EntityInfo*, std::string>;
  static auto* const mutex = new std::mutex;
  static auto* const made = new std::map<Key, InSchema>;
  const std::lock_guard lock(*mutex);
  return made->try_emplace(Key(&entity, schema), entity, schema).first->second.info;
}

}  // namespace strata::internal
