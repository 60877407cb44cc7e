#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "stores/clarify/clarify_kinds.h"
#include "strata/stores/clarify/user_profile.h"

namespace strata::internal {

// The rows of one kind that users have. Ids are canonical, and the user bounds every answer.
template <typename T>
class ClarifyRows {
 public:
  using Status = typename ClarifyKind<T>::Status;

  virtual ~ClarifyRows() = default;

  // In the order of the kind; with a status those that have it.
  virtual absl::StatusOr<std::vector<T>> list(const std::string& user_id,
                                              const std::optional<Status>& status,
                                              std::int64_t limit) = 0;
  // What a context shows of each of these users, in the order of the kind within a user.
  virtual absl::StatusOr<std::vector<T>> shown(absl::Span<const std::string> user_ids) = 0;
  virtual absl::StatusOr<std::optional<T>> find(const std::string& user_id,
                                                const std::string& id) = 0;
  // Keeps other writers of it away until the transaction ends.
  virtual absl::StatusOr<std::optional<T>> lock(const std::string& user_id,
                                                const std::string& id) = 0;

  absl::Status insert(const std::string& user_id, const std::vector<T>& records) {
    changed_ = true;
    return doInsert(user_id, records);
  }
  // Of one that is locked.
  absl::Status update(const T& record) {
    changed_ = true;
    return doUpdate(record);
  }
  // False: there is none.
  absl::StatusOr<bool> remove(const std::string& user_id, const std::string& id) {
    changed_ = true;
    return doRemove(user_id, id);
  }
  absl::Status removeAll(const std::string& user_id) {
    changed_ = true;
    return doRemoveAll(user_id);
  }

  // Whether what contexts show of it may be another now.
  bool changed() const { return changed_; }

 protected:
  void noteChange() { changed_ = true; }

 private:
  virtual absl::Status doInsert(const std::string& user_id, const std::vector<T>& records) = 0;
  virtual absl::Status doUpdate(const T& record) = 0;
  virtual absl::StatusOr<bool> doRemove(const std::string& user_id, const std::string& id) = 0;
  virtual absl::Status doRemoveAll(const std::string& user_id) = 0;

  bool changed_ = false;
};

// Sessions are the only rows that are written without being read before, once for each message.
class ClarifySessionRows : public ClarifyRows<ClarifySession> {
 public:
  // Counts a message and stamps it, never with an earlier time; answers the session then.
  absl::StatusOr<std::optional<ClarifySession>> noteMessage(const std::string& user_id,
                                                            const std::string& id, Timestamp at) {
    noteChange();
    return doNoteMessage(user_id, id, at);
  }

 private:
  virtual absl::StatusOr<std::optional<ClarifySession>> doNoteMessage(const std::string& user_id,
                                                                      const std::string& id,
                                                                      Timestamp at) = 0;
};

// What the rules of the context platform's stores ask of a database, inside one transaction. It
// decides nothing.
//
// Whoever adds something to a user locks the user first: that is how counters stay exact, and why
// an id that is found free still is so when it is taken.
class ClarifyTables {
 public:
  virtual ~ClarifyTables() = default;

  virtual ClarifyRows<Dream>& dreams() = 0;
  virtual ClarifyRows<ClarifyPattern>& patterns() = 0;
  virtual ClarifySessionRows& sessions() = 0;
  virtual ClarifyRows<Reflection>& reflections() = 0;

  // Those of them that there are, in any order.
  virtual absl::StatusOr<std::vector<UserProfile>> users(absl::Span<const std::string> ids) = 0;
  virtual absl::StatusOr<std::optional<UserProfile>> lockUser(const std::string& id) = 0;

  // Makes the user. Of one there is it changes name and tier, and `updated_at` where that is not
  // back in time. Answers what is stored then.
  absl::StatusOr<UserProfile> putUser(const UserProfile& user) {
    user_changed_ = true;
    return doPutUser(user);
  }
  // Of one that is locked.
  absl::Status updateUser(const UserProfile& user) {
    user_changed_ = true;
    return doUpdateUser(user);
  }
  // With everything of theirs. False: there is none.
  absl::StatusOr<bool> removeUser(const std::string& id) {
    user_removed_ = true;
    return doRemoveUser(id);
  }

  // What a context shows, part by part; the order is that of `changed`.
  static constexpr std::size_t kParts = 5;
  // Which of user, dreams, patterns, sessions and reflections may be others now.
  std::vector<bool> changed() {
    if (user_removed_) return std::vector<bool>(kParts, true);
    return {user_changed_, dreams().changed(), patterns().changed(), sessions().changed(),
            reflections().changed()};
  }

 private:
  virtual absl::StatusOr<UserProfile> doPutUser(const UserProfile& user) = 0;
  virtual absl::Status doUpdateUser(const UserProfile& user) = 0;
  virtual absl::StatusOr<bool> doRemoveUser(const std::string& id) = 0;

  bool user_changed_ = false;
  bool user_removed_ = false;
};

}  // namespace strata::internal
