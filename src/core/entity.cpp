#include "strata/core/entity.h"

#include <algorithm>
#include <string>

namespace strata::internal {
namespace {

bool isUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool isLower(char c) { return c >= 'a' && c <= 'z'; }

}  // namespace

EntityInfo withKeyColumns(EntityInfo info) {
  if (!info.key_columns.empty()) return info;
  const auto fields = info.typeInfo().fields;
  info.has_own_id_column =
      std::none_of(fields.begin(), fields.end(), [](const Field& f) { return f.name == "id"; });
  info.key_columns = {"id"};
  return info;
}

std::string storedEnumeratorName(std::string_view enumerator) {
  const bool is_constant = enumerator.size() > 1 && enumerator[0] == 'k' && isUpper(enumerator[1]);
  if (!is_constant) return std::string(enumerator);
  const std::string_view words = enumerator.substr(1);
  std::string name;
  for (std::size_t i = 0; i < words.size(); ++i) {
    // A capital begins a word, but within a run of them only the last before a small letter does.
    const bool begins_word =
        isUpper(words[i]) && i > 0 &&
        (!isUpper(words[i - 1]) || (i + 1 < words.size() && isLower(words[i + 1])));
    if (begins_word) name += '_';
    name += isUpper(words[i]) ? static_cast<char>(words[i] - 'A' + 'a') : words[i];
  }
  return name;
}

}  // namespace strata::internal
