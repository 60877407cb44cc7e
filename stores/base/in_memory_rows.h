#pragma once

#include <map>
#include <memory>
#include <utility>

#include "stores/base/in_memory_transactor.h"

namespace strata::internal {

// Rows under ordered keys, whose every change can be taken back.
template <typename Key, typename T>
class InMemoryRows {
 public:
  using Map = std::map<Key, T>;

  const T* find(const Key& key) const {
    const auto found = rows_.find(key);
    return found == rows_.end() ? nullptr : &found->second;
  }
  // To look through; a change may end what points into it.
  const Map& all() const { return rows_; }

  // Inserts it, or replaces what is under the key.
  void put(InMemoryChanges& changes, const Key& key, T value) {
    const auto found = rows_.find(key);
    if (found == rows_.end()) {
      rows_.emplace(key, std::move(value));
      changes.made([this, key] { rows_.erase(key); });
      return;
    }
    auto before = std::make_shared<T>(std::exchange(found->second, std::move(value)));
    changes.made([this, key, before] { rows_.at(key) = std::move(*before); });
  }

  // Nothing there is nothing to do.
  void erase(InMemoryChanges& changes, const Key& key) {
    const auto found = rows_.find(key);
    if (found == rows_.end()) return;
    auto before = std::make_shared<T>(std::move(found->second));
    rows_.erase(found);
    changes.made([this, key, before] { rows_.emplace(key, std::move(*before)); });
  }

 private:
  Map rows_;
};

}  // namespace strata::internal
