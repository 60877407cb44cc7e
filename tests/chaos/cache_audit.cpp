#include "tests/chaos/cache_audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <unordered_map>

#include "src/cache/cell.h"
#include "strata/adapters/redis/redis_cache.h"
#include "strata/records/json_codec.h"
#include "tests/chaos/record.h"

namespace strata::chaos {
namespace {

using internal::Cell;
using internal::CellTag;

constexpr std::size_t kKeysAtOnce = 500;

std::vector<std::string> allKeys(testing::LocalRedis& redis) {
  std::vector<std::string> keys;
  std::string cursor = "0";
  do {
    const auto page = redis.elements({"SCAN", cursor, "COUNT", "1000"});
    require(page.status(), "SCAN");
    cursor = (*page)[0];
    std::istringstream lines((*page)[1]);
    for (std::string key; std::getline(lines, key);) keys.push_back(key);
  } while (cursor != "0");
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  return keys;
}

Incarnation presentLife(testing::LocalRedis& redis) {
  const auto cache = RedisCache::create({.url = redis.url()});
  require(cache.status(), "a client of Redis");
  require((*cache)->ping(), "Redis");
  return (*cache)->incarnation("");
}

// What is wrong with a cell that the row says otherwise about; empty if nothing is.
std::string flawOf(const Cell& cell, const Commit* row) {
  if (cell.tag == CellTag::kAbsent) {
    return row == nullptr ? "" : fmt::format("absent, and the row has version {}", row->version);
  }
  if (row == nullptr) return fmt::format("version {}, and there is no row", cell.version.value());
  if (cell.version.value() != row->version) {
    return fmt::format("version {}, and the row has {}", cell.version.value(), row->version);
  }
  if (cell.codec != Cell::kJsonCodec) return "";
  const auto record = decodeJson<ChaosRecord>(cell.payload);
  const bool same = record.ok() && static_cast<std::uint64_t>(record->number) == row->number &&
                    isIntact(*record, row->key);
  return same ? "" : "another payload than its row";
}

class Audit {
 public:
  Audit(Rig& rig, const std::vector<Commit>& rows)
      : redis_(rig.redis()), life_(presentLife(redis_)) {
    for (const Commit& row : rows) rows_[row.key] = &row;
  }

  CacheAudit run() {
    const std::vector<std::string> keys = allKeys(redis_);
    for (std::size_t at = 0; at < keys.size(); at += kKeysAtOnce) {
      const std::size_t end = std::min(at + kKeysAtOnce, keys.size());
      compare({keys.begin() + static_cast<std::ptrdiff_t>(at),
               keys.begin() + static_cast<std::ptrdiff_t>(end)});
    }
    for (const std::string& key : keys) requireTtl(key);
    return std::move(audit_);
  }

 private:
  void compare(const std::vector<std::string>& keys) {
    std::vector<std::string> command{"MGET"};
    command.insert(command.end(), keys.begin(), keys.end());
    const auto cells = redis_.elements(command);
    require(cells.status(), "MGET");
    for (std::size_t i = 0; i < keys.size(); ++i) compare(keys[i], (*cells)[i]);
  }

  void compare(const std::string& name, const std::string& bytes) {
    const auto key = keyOfId(name.substr(name.rfind(':') + 1));
    const auto cell = Cell::parse(bytes);
    if (!key || !cell || cell->tag == CellTag::kLease || cell->incarnation != life_) return;
    ++audit_.cells;
    const auto row = rows_.find(*key);
    const std::string flaw = flawOf(*cell, row == rows_.end() ? nullptr : row->second);
    if (!flaw.empty()) audit_.complaints.push_back(fmt::format("I10 {}: {}", name, flaw));
  }

  void requireTtl(const std::string& key) {
    const auto ttl = redis_.command({"PTTL", key});
    require(ttl.status(), "PTTL");
    if (*ttl == "-1") audit_.complaints.push_back(fmt::format("I9 {} has no time to live", key));
  }

  testing::LocalRedis& redis_;
  const Incarnation life_;
  std::unordered_map<std::uint32_t, const Commit*> rows_;
  CacheAudit audit_;
};

}  // namespace

CacheAudit auditCache(Rig& rig, const std::vector<Commit>& rows) { return Audit(rig, rows).run(); }

}  // namespace strata::chaos
