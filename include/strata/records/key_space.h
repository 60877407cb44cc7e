// KeySpace: the part of the cache's key space that one kind of record owns.
//
//   static constexpr strata::KeySpace keys{"flags", "flag"};
//   keys.key("shop", "checkout-v2")  ->  "shop:flags:flag:checkout-v2"
//
// A key is `{app}:{domain}:{entity}:{id}`. This is the only way to make one, so that no two records
// can ever share a key.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "strata/records/id.h"

namespace strata {

// A longer key keeps its beginning and ends in the SHA-256 of the whole key, so that keys stay
// short and still never collide. In bytes.
inline constexpr std::size_t kMaxKeyBytes = 512;

// The longest `app`, in bytes.
inline constexpr std::size_t kMaxAppBytes = 64;

// Ok, or InvalidArgument that says what an `app` must be: 1 to kMaxAppBytes bytes that stand in a
// key as they are (see Id for those that do not). There is no default: two applications that share
// a server and an app would read each other's records.
absl::Status checkApp(std::string_view app);

class KeySpace {
 public:
  // Both are lower-case letters, digits, '-' and '_'; anything else does not compile.
  // The texts must outlive the key space (string literals do).
  consteval KeySpace(std::string_view domain, std::string_view entity)
      : domain_(checked(domain)), entity_(checked(entity)) {}

  constexpr std::string_view domain() const { return domain_; }
  constexpr std::string_view entity() const { return entity_; }

  // The same for the tables of one schema, where a database has several of them: its keys begin
  // with "{app}:{domain}@{schema}:{entity}:". Without a schema it is this key space. Keeps the text
  // of each schema that it was ever called with.
  KeySpace inSchema(std::string_view schema) const;

  // What every key of this space starts with: "{app}:{domain}:{entity}:".
  std::string prefix(std::string_view app) const;
  std::string key(std::string_view app, const Id& id) const;
  // The same for a `prefix` made before: for callers that make many keys.
  static std::string keyUnder(std::string_view prefix, const Id& id);

 private:
  struct Unchecked {};
  constexpr KeySpace(std::string_view domain, std::string_view entity, Unchecked)
      : domain_(domain), entity_(entity) {}
  static consteval std::string_view checked(std::string_view name) {
    if (name.empty()) throw "a key space needs a domain and an entity";
    for (char c : name) {
      const bool allowed = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      if (!allowed) throw "a key space is named in lower-case letters, digits, '-' and '_'";
    }
    return name;
  }

  std::string_view domain_;
  std::string_view entity_;
};

}  // namespace strata
