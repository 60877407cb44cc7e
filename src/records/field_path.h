#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace strata::internal {

// Where in a value a walk stands, as a chain on the stack of the walk: it costs nothing until an
// error asks for its text.
class FieldPath {
 public:
  FieldPath() = default;
  FieldPath(const FieldPath& parent, std::string_view name) : parent_(&parent), name_(name) {}
  FieldPath(const FieldPath& parent, std::size_t index)
      : parent_(&parent), index_(index), is_index_(true) {}

  // "audiences[3].name"; "value" for the root.
  std::string text() const {
    if (parent_ == nullptr) return "value";
    const std::string before = parent_->parent_ == nullptr ? "" : parent_->text();
    if (is_index_) return before + "[" + std::to_string(index_) + "]";
    return before.empty() ? std::string(name_) : before + "." + std::string(name_);
  }

 private:
  const FieldPath* parent_ = nullptr;
  std::string_view name_;
  std::size_t index_ = 0;
  bool is_index_ = false;
};

}  // namespace strata::internal
