// What an operator does to a cache: warm it, look whether it is right, and drop parts of it. With
// DATABASE_URL and REDIS_URL set on real servers; otherwise in this process.
#include <boost/describe/class.hpp>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <vector>

#include "strata/adapters/postgres/id_query.h"
#include "strata/cache/tools/cache_verifier.h"
#include "strata/cache/tools/cache_warming.h"
#include "strata/factories/app.h"
#include "strata/factories/cache_admin_factory.h"
#include "strata/factories/config.h"
#include "strata/factories/store_factory.h"

struct Banner {
  std::string tenant;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Banner, (), (tenant, text))

template <>
struct strata::Entity<Banner> {
  static constexpr auto table = "banners";
  static constexpr strata::KeySpace keys{"ui", "banner"};
  static constexpr std::array<std::string_view, 1> key_columns{"tenant"};
  static std::string id(const Banner& banner) { return banner.tenant; }
};

namespace {

strata::WarmReport warmUp(strata::Store<Banner>& banners, const strata::Backends& backends,
                          const std::vector<strata::Id>& known) {
  if (backends.database == nullptr) return strata::warm(banners, known);
  return strata::warm(
      banners, strata::idsFromQuery(backends.database, "SELECT tenant FROM banners"),
      {.max_concurrent = 4,
       .progress = [](const strata::WarmReport& now) { std::cout << now.asked << " asked\n"; }});
}

bool looksRight(strata::Store<Banner>& banners, const strata::Backends& backends) {
  const auto report = strata::verifyCache<Banner>(*backends.cache, strata::appOf(backends.config),
                                                  banners, {.sample_size = 500});
  for (const std::string& key : report.stale_keys) std::cerr << "stale: " << key << "\n";
  return report.status.ok() && report.stale == 0;
}

// Takes the cache out of use for a while: reads and writes go to the database alone.
void withoutCache(const strata::Backends& backends, const std::function<void()>& work) {
  if (!strata::cacheEnabled(backends)) return work();
  strata::CircuitBreaker& breaker = backends.cache->breaker();
  breaker.forceOpen();
  work();
  std::cout << strata::toString(breaker.status().state) << " for an operator\n";
  breaker.reset();
}

}  // namespace

int main() {
  auto config = strata::configFromEnv();
  if (!config.ok()) return EXIT_FAILURE;
  if (config->cache_url.empty()) config->cache_provider = strata::CacheProvider::kMemory;
  auto backends = strata::connect(*config);
  if (!backends.ok()) return EXIT_FAILURE;
  auto banners = strata::createStore<Banner>(*backends);
  if (!banners.ok()) return EXIT_FAILURE;
  for (const char* tenant : {"t1", "t2", "t10"}) {
    if (!(*banners)->put({tenant, "hello"}).ok()) return EXIT_FAILURE;
  }

  const strata::WarmReport warmed = warmUp(**banners, *backends, {"t1", "t2", "t10"});
  if (!warmed.status.ok() || warmed.failed > 0) return EXIT_FAILURE;
  if (backends->cache == nullptr) return EXIT_SUCCESS;  // a cache server, and no database
  if (!looksRight(**banners, *backends)) return EXIT_FAILURE;

  auto admin = strata::createCacheAdmin(*backends);
  if (!admin.ok()) return EXIT_FAILURE;
  auto report = admin->invalidateOwner("t1");  // of a tenant or a user; never of t10
  if (!report.status.ok())
    std::cerr << report.failed << " keys are owed: " << report.status << "\n";
  std::cout << report.removed << " removed\n";
  withoutCache(*backends, [&] { (*banners)->get("t1").status().IgnoreError(); });
  report = admin->invalidateAll<Banner>();
  return report.status.ok() ? EXIT_SUCCESS : EXIT_FAILURE;
}
