#pragma once

#include <map>
#include <optional>
#include <utility>

#include "stores/base/in_memory_transactor.h"

namespace strata::internal {

// Rows under ordered keys. What a transaction changes is changed at once, and what was there before
// is kept until it ends: for a rollback, and for a copy, which has what is committed.
template <typename Key, typename T>
class InMemoryRows {
 public:
  using Map = std::map<Key, T>;

  InMemoryRows() = default;
  InMemoryRows(const InMemoryRows& other) : rows_(other.rows_) { restore(std::map(other.before_)); }
  InMemoryRows& operator=(const InMemoryRows&) = delete;

  const T* find(const Key& key) const {
    const auto found = rows_.find(key);
    return found == rows_.end() ? nullptr : &found->second;
  }
  // To look through; a change may end what points into it.
  const Map& all() const { return rows_; }

  // Inserts it, or replaces what is under the key.
  void put(InMemoryChanges& changes, const Key& key, T value) {
    const auto [found, is_new] = rows_.try_emplace(key);
    note(changes, key, is_new ? std::nullopt : std::optional(std::move(found->second)));
    found->second = std::move(value);
  }

  // Nothing there is nothing to do.
  void erase(InMemoryChanges& changes, const Key& key) {
    const auto found = rows_.find(key);
    if (found == rows_.end()) return;
    note(changes, key, std::move(found->second));
    rows_.erase(found);
  }

 private:
  // None: there was no row.
  using Before = std::map<Key, std::optional<T>>;

  void note(InMemoryChanges& changes, const Key& key, std::optional<T> before) {
    if (before_.empty()) {
      changes.begun([this](bool commits) {
        Before all = std::exchange(before_, {});
        if (!commits) restore(std::move(all));
      });
    }
    before_.try_emplace(key, std::move(before));
    changes.made();
  }
  void restore(Before before) {
    for (auto& [key, row] : before) {
      if (row) {
        rows_.insert_or_assign(key, *std::move(row));
      } else {
        rows_.erase(key);
      }
    }
  }

  Map rows_;
  Before before_;
};

}  // namespace strata::internal
