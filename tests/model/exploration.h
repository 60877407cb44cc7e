// What a model and its exploration say to each other: the steps that may happen next, and what was
// found. See explorer.h.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace strata::model {

// What a step is called: who does what. The text is put together only for a trace.
struct Label {
  const char* actor;  // "reader"
  int number;         // 1; 0 where there is only one such actor
  const char* what;   // "takes the lease"; a literal

  std::string text() const {
    return std::string(actor) + (number == 0 ? "" : " " + std::to_string(number)) + ": " + what;
  }
};

// What may happen next, from one state.
template <typename State>
class Steps {
 public:
  struct Step {
    Label label;
    State after;
  };

  void startFrom(const State& now) {
    now_ = now;
    steps_.clear();
  }
  // A copy of the present state, for the caller to change into the one after this step. Good until
  // the next call.
  State& add(const Label& label) { return steps_.emplace_back(Step{label, now_}).after; }

  auto begin() const { return steps_.begin(); }
  auto end() const { return steps_.end(); }

 private:
  State now_{};
  std::vector<Step> steps_;
};

struct Exploration {
  std::size_t states = 0;  // distinct ones
  std::size_t steps = 0;
  std::size_t depth = 0;           // steps to the state that is farthest from the initial one
  bool finished = false;           // every state was seen, and none is wrong
  std::string violation;           // what is wrong with the first wrong state; empty: none is
  std::vector<std::string> trace;  // the steps that lead to it, one line each
  std::map<std::string_view, std::size_t> taken;  // how often a step of this name was taken

  std::size_t timesTaken(std::string_view what) const {
    const auto found = taken.find(what);
    return found == taken.end() ? 0 : found->second;
  }
  // The violation and its trace, to be printed.
  std::string story() const {
    std::string text = violation + "\n";
    for (std::size_t i = 0; i < trace.size(); ++i) {
      text += (i < 9 ? "   " : "  ") + std::to_string(i + 1) + ". " + trace[i] + "\n";
    }
    return text;
  }
};

}  // namespace strata::model
