// Secret: a text that must not be printed, such as a password or a URL that holds one.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <utility>

namespace strata {

class Secret {
 public:
  Secret() = default;
  Secret(std::string text) : text_(std::move(text)) {}  // NOLINT(google-explicit-constructor)
  Secret(const char* text) : text_(text) {}             // NOLINT(google-explicit-constructor)

  bool empty() const { return text_.empty(); }
  // The text itself: for the call that needs it, never for a message.
  const std::string& reveal() const { return text_; }

  friend bool operator==(const Secret&, const Secret&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Secret& secret) {
    return out << (secret.empty() ? "" : "***");
  }

 private:
  std::string text_;
};

}  // namespace strata
