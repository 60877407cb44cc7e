#include "stores/clarify/context_records.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "stores/clarify/clarify_rules.h"

namespace strata::internal {
namespace {

using UserIds = std::vector<std::string>;
// One for each user that has one, by the user's id.
template <typename T>
using ByUser = std::map<std::string, T>;

// The lists of all these users, empty ones too.
template <typename List, typename T>
absl::StatusOr<ByUser<List>> listsOf(const UserIds& user_ids, ClarifyRows<T>& rows,
                                     std::vector<T> List::*list) {
  auto shown = rows.shown(user_ids);
  if (!shown.ok()) return shown.status();
  ByUser<List> lists;
  for (const std::string& user_id : user_ids) lists[user_id].user_id = user_id;
  for (T& row : *shown) (lists[row.user_id].*list).push_back(std::move(row));
  return lists;
}

template <typename T>
struct Loader;

template <>
struct Loader<UserProfile> {
  static absl::StatusOr<ByUser<UserProfile>> load(ClarifyTables& tables, const UserIds& user_ids) {
    auto users = tables.users(user_ids);
    if (!users.ok()) return users.status();
    ByUser<UserProfile> by_user;
    for (UserProfile& user : *users) by_user.emplace(user.id, user);
    return by_user;
  }
};

template <>
struct Loader<ActiveDreams> {
  static auto load(ClarifyTables& tables, const UserIds& user_ids) {
    return listsOf(user_ids, tables.dreams(), &ActiveDreams::dreams);
  }
};

template <>
struct Loader<ObservedPatterns> {
  static auto load(ClarifyTables& tables, const UserIds& user_ids) {
    return listsOf(user_ids, tables.patterns(), &ObservedPatterns::patterns);
  }
};

template <>
struct Loader<RecentSessions> {
  static auto load(ClarifyTables& tables, const UserIds& user_ids) {
    return listsOf<RecentSessions, ClarifySession>(user_ids, tables.sessions(),
                                                   &RecentSessions::sessions);
  }
};

template <>
struct Loader<RecentReflections> {
  static auto load(ClarifyTables& tables, const UserIds& user_ids) {
    return listsOf(user_ids, tables.reflections(), &RecentReflections::reflections);
  }
};

absl::Status readOnly() {
  return absl::UnimplementedError("what contexts show is changed by the stores of its records");
}

template <typename T>
class ContextRecords final : public Store<T> {
 public:
  explicit ContextRecords(std::shared_ptr<Transactor<ClarifyTables>> transactor)
      : transactor_(std::move(transactor)), uncounted_(*Metrics::none(), "", "") {}

  absl::StatusOr<Snapshot<T>> get(const Id& id, const ReadOptions& options) override {
    return getMany({&id, 1}, options).front();
  }

  Snapshots<T> getMany(absl::Span<const Id> ids, const ReadOptions& options) override {
    Snapshots<T> answers(ids.size(), Snapshot<T>());
    std::map<std::string, std::vector<std::size_t>> places;  // of each user's answers
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (absl::Status status = check(ids[i]); !status.ok()) {
        answers[i] = status;
      } else {
        places[ids[i].segments().front()].push_back(i);
      }
    }
    if (places.empty()) return answers;
    const auto found = load(places, options);
    for (const auto& [user_id, all] : places) {
      for (const std::size_t place : all) answers[place] = answerOf(found, user_id);
    }
    return answers;
  }

  absl::StatusOr<Version> put(const T&, const WriteOptions&) override { return readOnly(); }
  absl::StatusOr<Version> remove(const Id&, const WriteOptions&) override { return readOnly(); }
  Health healthCheck() override { return transactor_->healthCheck(); }

 private:
  using Found = absl::StatusOr<std::map<std::string, Snapshot<T>>>;

  static absl::Status check(const Id& id) {
    absl::Status status = checkId(entityInfo<T>(), id);
    return status.ok() ? checkUserId(id.segments().front()) : status;
  }

  template <typename Places>
  Found load(const Places& places, const ReadOptions& options) {
    UserIds user_ids;
    for (const auto& [user_id, all] : places) user_ids.push_back(user_id);
    std::map<std::string, Snapshot<T>> found;
    const absl::Status status =
        transactor_->read(uncounted_, options, [&](ClarifyTables& tables) -> absl::Status {
          auto loaded = Loader<T>::load(tables, user_ids);
          if (!loaded.ok()) return loaded.status();
          found.clear();
          for (auto& [user_id, value] : *loaded) {
            found.emplace(user_id, makeSnapshot(std::move(value)));
          }
          return absl::OkStatus();
        });
    if (!status.ok()) return status;
    return found;
  }

  static absl::StatusOr<Snapshot<T>> answerOf(const Found& found, const std::string& user_id) {
    if (!found.ok()) return found.status();
    const auto at = found->find(user_id);
    return at == found->end() ? Snapshot<T>() : at->second;
  }

  const std::shared_ptr<Transactor<ClarifyTables>> transactor_;
  // The layers above count.
  const StoreOperation uncounted_;
};

}  // namespace

template <typename T>
std::unique_ptr<Store<T>> makeContextRecords(
    std::shared_ptr<Transactor<ClarifyTables>> transactor) {
  return std::make_unique<ContextRecords<T>>(std::move(transactor));
}

using ClarifyTransactor = std::shared_ptr<Transactor<ClarifyTables>>;
template std::unique_ptr<Store<UserProfile>> makeContextRecords(ClarifyTransactor);
template std::unique_ptr<Store<ActiveDreams>> makeContextRecords(ClarifyTransactor);
template std::unique_ptr<Store<ObservedPatterns>> makeContextRecords(ClarifyTransactor);
template std::unique_ptr<Store<RecentSessions>> makeContextRecords(ClarifyTransactor);
template std::unique_ptr<Store<RecentReflections>> makeContextRecords(ClarifyTransactor);

}  // namespace strata::internal
