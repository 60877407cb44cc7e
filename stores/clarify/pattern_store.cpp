#include "strata/stores/clarify/pattern_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "stores/base/text_limits.h"
#include "stores/base/uuid.h"
#include "stores/clarify/clarify_rules.h"
#include "stores/clarify/clarify_stores.h"

namespace strata::internal {
namespace {

constexpr const char* kStore = "clarify_patterns";
constexpr std::int32_t kMaxStrength = 10;

using Patterns = std::vector<ClarifyPattern>;

absl::Status check(const ClarifyPattern& pattern) {
  absl::Status status = validateRecord(pattern);
  if (!status.ok() || (pattern.strength >= 1 && pattern.strength <= kMaxStrength)) return status;
  return absl::InvalidArgumentError(fmt::format("strength must be 1 to {}", kMaxStrength));
}

// The pattern as one of this user, without an id where none is given.
absl::StatusOr<ClarifyPattern> ofUser(const std::string& user_id, const ClarifyPattern& pattern) {
  ClarifyPattern own = pattern;
  own.user_id = user_id;
  own.created_at = {};
  if (!pattern.user_id.empty() && pattern.user_id != user_id) {
    return absl::InvalidArgumentError("user_id of a pattern is another user's");
  }
  if (!pattern.id.empty()) {
    auto id = canonicalUuid(pattern.id, "id");
    if (!id.ok()) return id.status();
    own.id = *std::move(id);
  }
  if (absl::Status status = check(own); !status.ok()) return status;
  return own;
}

absl::StatusOr<Patterns> allOfUser(const std::string& user_id, const Patterns& patterns) {
  if (patterns.size() > kMaxPatterns) {
    return absl::InvalidArgumentError(fmt::format("patterns are more than {}", kMaxPatterns));
  }
  Patterns all;
  std::set<std::string> ids;
  for (const ClarifyPattern& pattern : patterns) {
    auto own = ofUser(user_id, pattern);
    if (!own.ok()) return own.status();
    if (!own->id.empty() && !ids.insert(own->id).second) {
      return absl::InvalidArgumentError("id of two patterns is the same");
    }
    all.push_back(*std::move(own));
  }
  return all;
}

// New ones get an id and the time; one that was there before keeps its time.
void stamp(Patterns& patterns, const Patterns& before, Timestamp now) {
  std::map<std::string, Timestamp> times;
  for (const ClarifyPattern& pattern : before) times.emplace(pattern.id, pattern.created_at);
  for (ClarifyPattern& pattern : patterns) {
    const auto known = times.find(pattern.id);
    pattern.created_at = known == times.end() ? now : known->second;
    if (pattern.id.empty()) pattern.id = newUuid(now);
  }
}

class RuledPatternStore final : public PatternStore {
 public:
  RuledPatternStore(std::shared_ptr<ClarifyDatabase> database, std::shared_ptr<Metrics> metrics)
      : database_(std::move(database)), metrics_(std::move(metrics)) {}

  absl::StatusOr<Patterns> consolidate(std::string_view user_id, const Patterns& patterns,
                                       const WriteOptions& options) override {
    if (absl::Status status = checkUserId(user_id); !status.ok()) return status;
    const std::string user(user_id);
    const auto all = allOfUser(user, patterns);
    if (!all.ok()) return all.status();
    return database_->write<Patterns>(consolidate_, user, options, [&](ClarifyTables& tables) {
      return replace(tables, user, *all);
    });
  }

  absl::StatusOr<Patterns> list(std::string_view user_id, const ReadOptions& options) override {
    if (absl::Status status = checkUserId(user_id); !status.ok()) return status;
    return database_->read<Patterns>(list_, options, [&](ClarifyTables& tables) {
      return tables.patterns().list(std::string(user_id), std::nullopt, kMaxPatterns);
    });
  }

  Health healthCheck() override { return database_->healthCheck(); }

 private:
  absl::StatusOr<Patterns> replace(ClarifyTables& tables, const std::string& user_id,
                                   Patterns patterns) const {
    const auto user = tables.lockUser(user_id);
    if (!user.ok()) return user.status();
    if (!*user) return noSuchUser();
    const auto before = tables.patterns().list(user_id, std::nullopt, kMaxPatterns);
    if (!before.ok()) return before.status();
    stamp(patterns, *before, database_->now());
    absl::Status status = tables.patterns().removeAll(user_id);
    if (status.ok() && !patterns.empty()) status = tables.patterns().insert(user_id, patterns);
    if (!status.ok()) return status;
    std::ranges::sort(patterns, std::greater(), ClarifyKind<ClarifyPattern>::rank);
    return patterns;
  }

  const std::shared_ptr<ClarifyDatabase> database_;
  const std::shared_ptr<Metrics> metrics_;
  const StoreOperation consolidate_{*metrics_, kStore, "consolidate_patterns"};
  const StoreOperation list_{*metrics_, kStore, "list_patterns"};
};

}  // namespace

std::unique_ptr<PatternStore> makePatternStore(std::shared_ptr<ClarifyDatabase> database,
                                               std::shared_ptr<Metrics> metrics) {
  return std::make_unique<RuledPatternStore>(std::move(database), std::move(metrics));
}

}  // namespace strata::internal
