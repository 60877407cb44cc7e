#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "strata/records/json.h"

namespace strata::internal {

// Makes a Json out of what a parser of JSON says: its events in their order, from the first of a
// value to its last. The text is written once, in its place; only an object whose keys are not in
// order is written again, when it ends.
class JsonCapture {
 public:
  static constexpr std::size_t kMaxLevels = 100;
  static constexpr std::string_view kTooDeep = "JSON of at most 100 levels";

  void openObject();
  void closeObject();
  void openArray();
  void closeArray();
  void key(std::string_view text);
  void string(std::string_view text);
  void boolean(bool value);
  void null();
  void integer(std::int64_t number);
  void integer(std::uint64_t number);
  // A number by its JSON text, of any size and precision.
  void number(std::string_view text);

  // Once the value has ended: what it would have to be for a Json, such as `kTooDeep`; empty when
  // it is one.
  std::string_view wanted() const { return wanted_; }
  // That one, and begins anew.
  Json take();

 private:
  struct Open {
    std::size_t begin;         // where its text begins
    std::size_t first_member;  // of `members_`
  };
  struct Member {
    std::string key;
    std::size_t begin;
  };

  bool isRefused() const { return !wanted_.empty(); }
  void refuse(std::string_view wanted) { wanted_ = wanted; }
  // Writes the comma that goes before what comes next; false when nothing is to be written.
  bool goOn();
  void open(char bracket);
  void close(char bracket);
  void appendText(std::string_view text);
  void appendDouble(double number);
  std::string sortedMembers(std::size_t first) const;

  std::string text_;
  std::string_view wanted_;
  std::vector<Open> opened_;
  std::vector<Member> members_;  // those of all open objects
};

}  // namespace strata::internal
