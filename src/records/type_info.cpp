#include "strata/records/internal/type_info.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "src/base/utf8.h"
#include "src/records/field_path.h"
#include "src/records/scalars.h"
#include "strata/base/hash.h"
#include "strata/base/timestamp.h"

namespace strata {
namespace {

using internal::FieldPath;

absl::Status refuse(const FieldPath& path, std::string_view why) {
  return absl::InvalidArgumentError(fmt::format("{} {}", path.text(), why));
}

absl::Status validateText(std::string_view text, const FieldPath& path) {
  if (text.find('\0') != std::string_view::npos) return refuse(path, "holds a NUL byte");
  if (!internal::isUtf8(text)) return refuse(path, "is not UTF-8");
  return absl::OkStatus();
}

absl::Status validateAt(const TypeInfo& type, const void* value, const FieldPath& path);

absl::Status validateList(const TypeInfo& type, const void* value, const FieldPath& path) {
  std::size_t index = 0;
  return type.list->visit(value, [&](const void* element) {
    return validateAt(type.element(), element, FieldPath(path, index++));
  });
}

absl::Status validateMap(const TypeInfo& type, const void* value, const FieldPath& path) {
  // An entry is named by its position: its key is data, which no message shows.
  std::size_t index = 0;
  return type.map->visit(value, [&](std::string_view key, const void* element) {
    const FieldPath entry(path, index++);
    if (!validateText(key, entry).ok()) return refuse(entry, "has a key that is no text");
    return validateAt(type.element(), element, entry);
  });
}

absl::Status validateStruct(const TypeInfo& type, const void* value, const FieldPath& path) {
  for (const Field& field : type.fields) {
    absl::Status status = validateAt(field.type(), field.in(value), FieldPath(path, field.name));
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

absl::Status validateAt(const TypeInfo& type, const void* value, const FieldPath& path) {
  switch (type.kind) {
    case Kind::kString:
      return validateText(*static_cast<const std::string*>(value), path);
    case Kind::kFloat:
    case Kind::kDouble:
      if (!std::isfinite(internal::getFloating(type.kind, value))) {
        return refuse(path, "is not a finite number");
      }
      return absl::OkStatus();
    case Kind::kTimestamp: {
      const Timestamp time = *static_cast<const Timestamp*>(value);
      if (time < kMinTimestamp || time > kMaxTimestamp) {
        return refuse(path, "is a time outside the years 0001 to 9999");
      }
      return absl::OkStatus();
    }
    case Kind::kEnum:
      if (!internal::getEnumName(type, value)) return refuse(path, "is no value of its enum");
      return absl::OkStatus();
    case Kind::kOptional: {
      const void* element = type.optional->get(value);
      return element == nullptr ? absl::OkStatus() : validateAt(type.element(), element, path);
    }
    case Kind::kList:
      return validateList(type, value, path);
    case Kind::kMap:
      return validateMap(type, value, path);
    case Kind::kStruct:
      return validateStruct(type, value, path);
    default:
      return absl::OkStatus();
  }
}

// Spells a type out. A struct that holds itself is spelled once and then named by how many structs
// further out it began.
class Speller {
 public:
  std::string text;

  void spell(const TypeInfo& type) {
    text += std::to_string(static_cast<int>(type.kind));
    if (type.kind == Kind::kEnum) spellEnumerators(type);
    if (type.element != nullptr) spell(type.element());
    if (type.kind == Kind::kStruct) spellStruct(type);
  }

 private:
  void spellEnumerators(const TypeInfo& type) {
    for (const Enumerator& enumerator : type.enum_ops->enumerators) {
      text += fmt::format("|{}", enumerator.name);
    }
    text += ';';
  }

  void spellStruct(const TypeInfo& type) {
    const auto seen = std::find(open_.rbegin(), open_.rend(), &type);
    if (seen != open_.rend()) {
      text += fmt::format("^{}", seen - open_.rbegin());
      return;
    }
    open_.push_back(&type);
    text += '{';
    for (const Field& field : type.fields) {
      text += fmt::format("{}:", field.name);
      spell(field.type());
    }
    text += '}';
    open_.pop_back();
  }

  std::vector<const TypeInfo*> open_;
};

}  // namespace

absl::Status validate(const TypeInfo& type, const void* value) {
  return validateAt(type, value, FieldPath());
}

std::uint64_t fingerprint(const TypeInfo& type) {
  Speller speller;
  speller.spell(type);
  return stableHash(speller.text);
}

}  // namespace strata
