#include "strata/cache/tools/cache_admin.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "src/cache/tools/key_walk.h"
#include "src/records/key_form.h"
#include "strata/base/internal/user_calls.h"
#include "strata/base/logging.h"
#include "strata/base/status.h"

namespace strata {
namespace {

constexpr std::array<std::string_view, 2> kReservedDomains{"ratelimit", "events"};
constexpr std::size_t kMostPerBatch = 10'000;

bool isReserved(std::string_view domain) {
  return std::find(kReservedDomains.begin(), kReservedDomains.end(), domain) !=
         kReservedDomains.end();
}

// The parts of a key of an entity, `{app}:{domain}:{entity}:{id}`, without the app.
struct KeyParts {
  std::string_view domain;
  std::string_view id;
};

// None where `key` is of no entity of the app whose keys begin with `app_prefix`, or is reserved.
std::optional<KeyParts> partsOf(std::string_view key, std::string_view app_prefix) {
  if (!key.starts_with(app_prefix)) return std::nullopt;
  key.remove_prefix(app_prefix.size());
  const std::size_t domain = key.find(':');
  if (domain == std::string_view::npos) return std::nullopt;
  const std::size_t entity = key.find(':', domain + 1);
  if (entity == std::string_view::npos || entity + 1 == key.size()) return std::nullopt;
  const KeyParts parts{.domain = key.substr(0, domain), .id = key.substr(entity + 1)};
  return isReserved(parts.domain) ? std::nullopt : std::optional(parts);
}

bool isSegmentOf(std::string_view id, std::string_view segment) {
  return id.starts_with(segment) && (id.size() == segment.size() || id[segment.size()] == ':');
}

// Of a key that was cut within the segment only the beginning can be compared. Dropping another
// owner's copy with it costs a query.
bool isOwnedBy(std::string_view key, std::string_view id, std::string_view segment) {
  if (!internal::isShortenedKey(key)) return isSegmentOf(id, segment);
  const std::size_t before = key.size() - id.size();
  const std::string_view rest = internal::unshortenedPart(key).substr(before);
  return isSegmentOf(rest, segment) || segment.starts_with(rest);
}

}  // namespace

struct CacheAdmin::Core {
  // Whether a key that was found is meant.
  using Meant = absl::FunctionRef<bool(const std::string& key, const KeyParts& parts)>;

  InvalidationReport removeKeys(const char* scope, std::vector<std::string> keys,
                                const InvalidationOptions& options);
  InvalidationReport removeFound(const char* scope, const std::string& prefix, Meant meant,
                                 const InvalidationOptions& options);
  void removeBatches(absl::Span<const std::string> keys, const InvalidationOptions& options,
                     InvalidationReport& report);
  InvalidationReport finished(const char* scope, InvalidationReport report);

  const std::shared_ptr<GuardedCache> cache;
  const std::string app_prefix;  // "shop:"
  const std::string app;
  const std::shared_ptr<Metrics> metrics;
  const Clock& clock;
};

namespace {

absl::Status check(const InvalidationOptions& options) {
  if (options.batch_size >= 1 && options.batch_size <= kMostPerBatch) return absl::OkStatus();
  return absl::InvalidArgumentError("cache admin: batch_size must be between 1 and 10 000");
}

// What it throws is told in the report; the keys are removed all the same.
void tell(const InvalidationOptions& options, InvalidationReport& report) {
  if (options.progress == nullptr) return;
  report.status.Update(internal::callOut("progress", [&] { options.progress(report); }));
}

InvalidationReport refused(absl::Status why) {
  InvalidationReport report;
  report.status = std::move(why);
  return report;
}

}  // namespace

InvalidationReport CacheAdmin::Core::finished(const char* scope, InvalidationReport report) {
  if (report.status.ok() && report.failed > 0) {
    report.status = absl::UnavailableError(
        fmt::format("cache admin: {} keys could not be removed yet", report.failed));
  }
  const auto count = [&](const char* result, std::size_t keys) {
    metrics->counter("strata_cache_admin_keys_total", {{"scope", scope}, {"result", result}})
        .add(static_cast<std::int64_t>(keys));
  };
  count("removed", report.removed);
  count("failed", report.failed);
  log(report.status.ok() ? Severity::kInfo : Severity::kWarning, "strata.cache.invalidated",
      {{"scope", scope},
       {"scanned", report.scanned},
       {"removed", report.removed},
       {"failed", report.failed},
       {"status", describe(report.status)}});
  return report;
}

void CacheAdmin::Core::removeBatches(absl::Span<const std::string> keys,
                                     const InvalidationOptions& options,
                                     InvalidationReport& report) {
  for (std::size_t first = 0; first < keys.size(); first += options.batch_size) {
    const auto batch = keys.subspan(first, options.batch_size);
    // What fails is owed from here on, and made good in the background.
    const absl::Status removed = cache->remove(batch, options.deadline);
    (removed.ok() ? report.removed : report.failed) += batch.size();
    tell(options, report);
  }
}

InvalidationReport CacheAdmin::Core::removeKeys(const char* scope, std::vector<std::string> keys,
                                                const InvalidationOptions& options) {
  if (absl::Status valid = check(options); !valid.ok()) return refused(valid);
  InvalidationReport report;
  report.scanned = keys.size();
  removeBatches(keys, options, report);
  return finished(scope, std::move(report));
}

// A key that is found after it has been removed was leased by a reader that came after the call; it
// is removed all the same, for which of the two it is cannot be told.
InvalidationReport CacheAdmin::Core::removeFound(const char* scope, const std::string& prefix,
                                                 Meant meant, const InvalidationOptions& options) {
  if (absl::Status valid = check(options); !valid.ok()) return refused(valid);
  InvalidationReport report;
  const auto take = [&](const std::vector<std::string>& keys) {
    report.scanned += keys.size();
    std::vector<std::string> found;
    for (const std::string& key : keys) {
      const auto parts = partsOf(key, app_prefix);
      if (parts && meant(key, *parts)) found.push_back(key);
    }
    removeBatches(found, options, report);
    if (found.empty()) tell(options, report);
  };
  absl::Status walked =
      internal::walkKeys(*cache, prefix, options.deadline, clock, take, /*restart=*/[] {});
  if (!walked.ok()) report.status = std::move(walked);
  return finished(scope, std::move(report));
}

// ---- CacheAdmin ----

CacheAdmin::CacheAdmin(std::shared_ptr<Cache> cache, std::string app,
                       std::shared_ptr<Metrics> metrics, const Clock& clock,
                       std::shared_ptr<Executor> executor)
    : core_(std::make_shared<Core>(
          Core{.cache = GuardedCache::over(std::move(cache), metrics, clock, std::move(executor)),
               .app_prefix = encodeSegment(app) + ":",
               .app = app,
               .metrics = metrics,
               .clock = clock})) {}

absl::Span<const std::string_view> CacheAdmin::reservedDomains() { return kReservedDomains; }

InvalidationReport CacheAdmin::invalidateKey(std::string_view key,
                                             const InvalidationOptions& options) {
  if (!partsOf(key, core_->app_prefix)) {
    return refused(absl::InvalidArgumentError(
        fmt::format("cache admin: not a key of a cache of {}", core_->app)));
  }
  return core_->removeKeys("key", {std::string(key)}, options);
}

InvalidationReport CacheAdmin::invalidateRecord(const KeySpace& keys, const Id& id,
                                                const InvalidationOptions& options) {
  if (absl::Status valid = id.check(); !valid.ok()) return refused(valid);
  return core_->removeKeys("record", {keys.key(core_->app, id)}, options);
}

InvalidationReport CacheAdmin::invalidateEntity(const KeySpace& keys,
                                                const InvalidationOptions& options) {
  const auto any = [](const std::string& /*key*/, const KeyParts& /*parts*/) { return true; };
  return core_->removeFound("entity", keys.prefix(core_->app), any, options);
}

InvalidationReport CacheAdmin::invalidateOwner(std::string_view owner,
                                               const InvalidationOptions& options) {
  if (absl::Status valid = Id(owner).check(); !valid.ok()) return refused(valid);
  const std::string segment = encodeSegment(owner);
  const auto owned = [&](const std::string& key, const KeyParts& parts) {
    return isOwnedBy(key, parts.id, segment);
  };
  return core_->removeFound("owner", core_->app_prefix, owned, options);
}

InvalidationReport CacheAdmin::invalidateDomain(std::string_view domain,
                                                const InvalidationOptions& options) {
  const bool is_name = !domain.empty() && domain.find(':') == std::string_view::npos;
  if (!is_name || isReserved(domain)) {
    return refused(absl::InvalidArgumentError("cache admin: not the domain of a cache"));
  }
  const auto any = [](const std::string& /*key*/, const KeyParts& /*parts*/) { return true; };
  return core_->removeFound("domain", core_->app_prefix + std::string(domain) + ":", any, options);
}

InvalidationReport CacheAdmin::invalidateApp(const InvalidationOptions& options) {
  const auto any = [](const std::string& /*key*/, const KeyParts& /*parts*/) { return true; };
  return core_->removeFound("app", core_->app_prefix, any, options);
}

}  // namespace strata
