#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "src/store/page_bound.h"
#include "stores/clarify/clarify_tables.h"
#include "stores/clarify/in_memory_clarify.h"

namespace strata::internal {

// `Base` is ClarifyRows<T>, or what extends it. Whoever writes has the whole database, so there is
// nothing to lock.
template <typename T, typename Base = ClarifyRows<T>>
class InMemoryClarifyRows : public Base {
 public:
  using Rows = InMemoryRows<InMemoryClarify::UserAndId, T>;
  using Status = typename Base::Status;

  InMemoryClarifyRows(Rows& rows, InMemoryChanges& changes) : rows_(rows), changes_(changes) {}

  absl::StatusOr<std::vector<T>> list(const std::string& user_id,
                                      const std::optional<Status>& status,
                                      std::int64_t limit) override {
    return first(limit, user_id, [&](const T& record) {
      if constexpr (requires { record.status; }) return !status || record.status == *status;
      return true;
    });
  }

  absl::StatusOr<std::vector<T>> shown(absl::Span<const std::string> user_ids) override {
    std::vector<T> all;
    for (const std::string& user_id : user_ids) {
      std::ranges::move(first(Kind::shown_limit, user_id, Kind::isShown), std::back_inserter(all));
    }
    return asPage(std::move(all));
  }

  absl::StatusOr<std::optional<T>> find(const std::string& user_id,
                                        const std::string& id) override {
    const T* found = rows_.find({user_id, id});
    return found == nullptr ? std::nullopt : std::optional(*found);
  }
  absl::StatusOr<std::optional<T>> lock(const std::string& user_id,
                                        const std::string& id) override {
    return find(user_id, id);
  }

 protected:
  void put(const T& record) { rows_.put(changes_, {record.user_id, record.id}, record); }

 private:
  using Kind = ClarifyKind<T>;

  absl::Status doInsert(const std::string&, const std::vector<T>& records) override {
    for (const T& record : records) put(record);
    return absl::OkStatus();
  }
  absl::Status doUpdate(const T& record) override {
    put(record);
    return absl::OkStatus();
  }
  absl::StatusOr<bool> doRemove(const std::string& user_id, const std::string& id) override {
    const bool found = rows_.find({user_id, id}) != nullptr;
    rows_.erase(changes_, {user_id, id});
    return found;
  }
  absl::Status doRemoveAll(const std::string& user_id) override {
    for (const T& record : ofUser(user_id, [](const T&) { return true; })) {
      rows_.erase(changes_, {user_id, record.id});
    }
    return absl::OkStatus();
  }

  template <typename Wanted>
  std::vector<T> ofUser(const std::string& user_id, Wanted wanted) const {
    std::vector<T> records;
    for (auto at = rows_.all().lower_bound({user_id, ""});
         at != rows_.all().end() && at->first.first == user_id; ++at) {
      if (wanted(at->second)) records.push_back(at->second);
    }
    return records;
  }

  template <typename Wanted>
  std::vector<T> first(std::int64_t limit, const std::string& user_id, Wanted wanted) const {
    std::vector<T> records = ofUser(user_id, wanted);
    std::ranges::sort(records, std::greater(), Kind::rank);
    if (static_cast<std::int64_t>(records.size()) > limit) {
      records.resize(static_cast<std::size_t>(limit));
    }
    return records;
  }

  Rows& rows_;
  InMemoryChanges& changes_;
};

class InMemoryClarifySessionRows final
    : public InMemoryClarifyRows<ClarifySession, ClarifySessionRows> {
 public:
  using InMemoryClarifyRows::InMemoryClarifyRows;

 private:
  absl::StatusOr<std::optional<ClarifySession>> doNoteMessage(const std::string& user_id,
                                                              const std::string& id,
                                                              Timestamp at) override;
};

class InMemoryClarifyTables final : public ClarifyTables {
 public:
  InMemoryClarifyTables(InMemoryClarify& data, InMemoryChanges& changes);

  ClarifyRows<Dream>& dreams() override { return dreams_; }
  ClarifyRows<ClarifyPattern>& patterns() override { return patterns_; }
  ClarifySessionRows& sessions() override { return sessions_; }
  ClarifyRows<Reflection>& reflections() override { return reflections_; }

  absl::StatusOr<std::vector<UserProfile>> users(absl::Span<const std::string> ids) override;
  absl::StatusOr<std::optional<UserProfile>> lockUser(const std::string& id) override;

 private:
  absl::StatusOr<UserProfile> doPutUser(const UserProfile& user) override;
  absl::Status doUpdateUser(const UserProfile& user) override;
  absl::StatusOr<bool> doRemoveUser(const std::string& id) override;

  InMemoryClarify& data_;
  InMemoryChanges& changes_;
  InMemoryClarifyRows<Dream> dreams_;
  InMemoryClarifyRows<ClarifyPattern> patterns_;
  InMemoryClarifySessionRows sessions_;
  InMemoryClarifyRows<Reflection> reflections_;
};

}  // namespace strata::internal
