#include "factories/key_claims.h"

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include "absl/base/thread_annotations.h"

namespace strata::internal {
namespace {

// The tables whose stores live, by the prefix of their keys.
class Claims {
 public:
  // Never destroyed: stores may outlive main().
  static Claims& shared() {
    static auto* const claims = new Claims;
    return *claims;
  }

  // The table that has these keys: `table`, or another one, and then nothing is claimed.
  std::string claim(const std::string& prefix, std::string_view table) {
    const std::lock_guard lock(mutex_);
    Owner& owner = owners_[prefix];
    if (owner.stores == 0) owner.table = table;
    if (owner.table == table) ++owner.stores;
    return owner.table;
  }
  void release(const std::string& prefix) {
    const std::lock_guard lock(mutex_);
    const auto owner = owners_.find(prefix);
    if (--owner->second.stores == 0) owners_.erase(owner);
  }

 private:
  struct Owner {
    std::string table;
    int stores = 0;
  };
  std::mutex mutex_;
  std::map<std::string, Owner> owners_ ABSL_GUARDED_BY(mutex_);
};

struct Claim {
  explicit Claim(std::string prefix_in) : prefix(std::move(prefix_in)) {}
  ~Claim() { Claims::shared().release(prefix); }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

  const std::string prefix;
};

}  // namespace

absl::StatusOr<KeyClaim> claimKeys(const std::string& app, const EntityInfo& entity) {
  std::string prefix = entity.keys.prefix(app);
  const std::string owner = Claims::shared().claim(prefix, entity.table);
  if (owner == entity.table) return std::make_shared<const Claim>(std::move(prefix));
  return absl::InvalidArgumentError(fmt::format(
      "the entities of the tables {} and {} have one KeySpace: the records of both would be cached"
      " under the keys {}*; give each a KeySpace of its own",
      owner, entity.table, prefix));
}

}  // namespace strata::internal
