#include "src/cache/cache_metrics.h"

#include "strata/base/logging.h"

namespace strata::internal {
namespace {

constexpr std::array<const char*, 9> kBypassNames{
    "latest", "pending_delete", "being_filled", "foreign_lease", "older_than_asked",
    "full",   "error",          "breaker_open", "foreign_cell"};
constexpr std::array<const char*, 8> kRejectNames{
    "corrupt",     "other_key",   "other_type",   "other_incarnation",
    "older_epoch", "undecodable", "other_format", "other_identity"};
constexpr std::array<const char*, 7> kFilledNames{
    "stored", "lost_lease", "late", "too_large", "nothing_to_store", "error", "queue_full"};

}  // namespace

CacheMetrics::CacheMetrics(Metrics& metrics, const std::string& store)
    : hits(metrics.counter("strata_cache_hits_total", {{"store", store}})),
      absents(metrics.counter("strata_cache_negative_hits_total", {{"store", store}})),
      misses(metrics.counter("strata_cache_misses_total", {{"store", store}})),
      waits(metrics.counter("strata_cache_waits_total", {{"store", store}})),
      lookup_time(&metrics == Metrics::none().get()
                      ? nullptr
                      : &metrics.histogram("strata_cache_lookup_seconds", {{"store", store}})),
      bypasses(metrics, "strata_cache_bypasses_total", store, "reason", kBypassNames),
      fills(metrics, "strata_cache_fills_total", store, "result", kFilledNames),
      store_(store),
      rejects_(metrics, "strata_cache_rejected_cells_total", store, "reason", kRejectNames) {}

void CacheMetrics::noteReject(Reject reason, std::string_view detail) {
  rejects_[reason].increment();
  const auto index = static_cast<std::size_t>(reason);
  if (reject_logged_[index].exchange(true)) return;
  log(Severity::kWarning, "strata.cache.cell_rejected",
      {{"store", store_}, {"reason", kRejectNames[index]}, {"detail", std::string(detail)}});
}

}  // namespace strata::internal
