#include "strata/stores/clarify/user_profile_store.h"

#include <string>
#include <utility>

#include "stores/base/text_limits.h"
#include "stores/clarify/clarify_rules.h"
#include "stores/clarify/clarify_stores.h"

namespace strata::internal {
namespace {

constexpr const char* kStore = "users";

class RuledUserProfileStore final : public UserProfileStore {
 public:
  RuledUserProfileStore(std::shared_ptr<ClarifyDatabase> database, std::shared_ptr<Metrics> metrics)
      : database_(std::move(database)), metrics_(std::move(metrics)) {}

  absl::StatusOr<UserProfile> put(const UserProfile& profile,
                                  const WriteOptions& options) override {
    UserProfile user{.id = profile.id, .name = profile.name, .tier = profile.tier};
    absl::Status status = checkUserId(user.id, "id");
    if (status.ok()) status = validateRecord(user);
    if (!status.ok()) return status;
    return database_->write<UserProfile>(put_, user.id, options, [&](ClarifyTables& tables) {
      user.created_at = user.updated_at = database_->now();
      return tables.putUser(user);
    });
  }

  absl::StatusOr<UserProfile> get(std::string_view user_id, const ReadOptions& options) override {
    if (absl::Status status = checkUserId(user_id); !status.ok()) return status;
    const std::string id(user_id);
    return database_->read<UserProfile>(get_, options,
                                        [&](ClarifyTables& tables) -> absl::StatusOr<UserProfile> {
                                          auto found = tables.users({&id, 1});
                                          if (!found.ok()) return found.status();
                                          if (found->empty()) return noSuchUser();
                                          return std::move(found->front());
                                        });
  }

  absl::Status remove(std::string_view user_id, const WriteOptions& options) override {
    if (absl::Status status = checkUserId(user_id); !status.ok()) return status;
    const std::string id(user_id);
    return database_
        ->write<bool>(remove_, id, options,
                      [&](ClarifyTables& tables) -> absl::StatusOr<bool> {
                        auto removed = tables.removeUser(id);
                        if (removed.ok() && !*removed) return noSuchUser();
                        return removed;
                      })
        .status();
  }

  Health healthCheck() override { return database_->healthCheck(); }

 private:
  const std::shared_ptr<ClarifyDatabase> database_;
  const std::shared_ptr<Metrics> metrics_;
  const StoreOperation put_{*metrics_, kStore, "put_user"};
  const StoreOperation get_{*metrics_, kStore, "get_user"};
  const StoreOperation remove_{*metrics_, kStore, "remove_user"};
};

}  // namespace

std::unique_ptr<UserProfileStore> makeUserProfileStore(std::shared_ptr<ClarifyDatabase> database,
                                                       std::shared_ptr<Metrics> metrics) {
  return std::make_unique<RuledUserProfileStore>(std::move(database), std::move(metrics));
}

}  // namespace strata::internal
