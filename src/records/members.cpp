#include "src/records/members.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "strata/base/hash.h"

namespace strata::internal {
namespace {

// Walks a type. A struct that holds itself is walked once, and then named by how many structs
// further out it began.
class Walk {
 public:
  std::vector<std::uint32_t> hashes;

  void visit(const TypeInfo& type, const std::string& path) {
    std::string kinds = std::to_string(static_cast<int>(type.kind));
    const TypeInfo* inner = &type;
    while (inner->element != nullptr) {
      inner = &inner->element();
      kinds += fmt::format(".{}", static_cast<int>(inner->kind));
    }
    const auto seen = std::find(open_.rbegin(), open_.rend(), inner);
    const bool is_open = seen != open_.rend();
    if (is_open) kinds += fmt::format("^{}", seen - open_.rbegin());
    hashes.push_back(static_cast<std::uint32_t>(stableHash(fmt::format("{}:{}", path, kinds))));
    if (inner->kind == Kind::kStruct && !is_open) visitFields(*inner, path);
  }

 private:
  void visitFields(const TypeInfo& type, const std::string& path) {
    open_.push_back(&type);
    for (const Field& field : type.fields) {
      visit(field.type(), fmt::format("{}.{}", path, field.name));
    }
    open_.pop_back();
  }

  std::vector<const TypeInfo*> open_;
};

}  // namespace

std::vector<std::uint32_t> memberHashes(const TypeInfo& type) {
  Walk walk;
  walk.visit(type, "");
  std::ranges::sort(walk.hashes);
  walk.hashes.erase(std::unique(walk.hashes.begin(), walk.hashes.end()), walk.hashes.end());
  return std::move(walk.hashes);
}

}  // namespace strata::internal
