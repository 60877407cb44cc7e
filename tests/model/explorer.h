// explore(): every state that a small model can reach, and the shortest way to one that must not
// be. Breadth first, so that no counterexample is shorter than the one that is told.
//
//   struct Door {                                          // a model: what is, what may happen
//     struct State { std::uint8_t open; };
//     State initial() const;
//     void addSteps(const State& now, Steps<State>& steps) const;
//     std::string violation(const State& state) const;     // empty: nothing is wrong with it
//     std::string describe(const State& state) const;      // a few words, for traces
//   };
//   const Exploration found = explore(Door());
//   EXPECT_TRUE(found.finished) << found.story();
//
// States are told apart by all their bytes (no hash stands for a state), so a finished exploration
// is exhaustive. Not for: liveness, or models of much more than ten million states.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/model/exploration.h"

namespace strata::model {

template <typename Model>
class Explorer {
 public:
  using State = typename Model::State;
  static_assert(std::is_trivially_copyable_v<State>);
  static_assert(std::has_unique_object_representations_v<State>, "a state is its bytes");

  explicit Explorer(const Model& model) : model_(model) {}

  Exploration run(std::size_t most_states) {
    visit(model_.initial(), 0);
    std::size_t next = 0;
    while (next < states_.size() && states_.size() < most_states && result_.violation.empty()) {
      expand(next++);
    }
    result_.states = states_.size();
    result_.finished = next == states_.size() && result_.violation.empty();
    const std::vector<std::size_t> path = pathTo(states_.size() - 1);
    result_.depth = path.size() - 1;
    if (!result_.violation.empty()) tell(path);
    for (const auto& [what, times] : taken_) result_.taken[what] += times;
    return std::move(result_);
  }

 private:
  void expand(std::size_t index) {
    for (const auto& step : stepsFrom(index)) {
      ++result_.steps;
      ++taken_[step.label.what];
      visit(step.after, index);
      if (!result_.violation.empty()) return;
    }
  }

  const Steps<State>& stepsFrom(std::size_t index) {
    steps_.startFrom(states_[index]);
    model_.addSteps(states_[index], steps_);
    return steps_;
  }

  void visit(const State& state, std::size_t parent) {
    if (2 * states_.size() >= slots_.size()) grow();
    std::uint32_t& slot = slotOf(state);
    if (slot != kEmpty) return;
    slot = static_cast<std::uint32_t>(states_.size());
    states_.push_back(state);
    parents_.push_back(static_cast<std::uint32_t>(parent));
    result_.violation = model_.violation(state);
  }

  static std::string_view bytesOf(const State& state) {
    return {reinterpret_cast<const char*>(&state), sizeof(State)};
  }

  // Where the index of this state is or belongs: open addressing, linear probing.
  std::uint32_t& slotOf(const State& state) {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = std::hash<std::string_view>{}(bytesOf(state)) & mask;
    while (slots_[at] != kEmpty && bytesOf(states_[slots_[at]]) != bytesOf(state)) {
      at = (at + 1) & mask;
    }
    return slots_[at];
  }

  void grow() {
    slots_.assign(std::max<std::size_t>(1024, 2 * slots_.size()), kEmpty);
    for (std::size_t i = 0; i < states_.size(); ++i) {
      slotOf(states_[i]) = static_cast<std::uint32_t>(i);
    }
  }

  std::vector<std::size_t> pathTo(std::size_t index) const {
    std::vector<std::size_t> path{index};
    while (path.back() != 0) path.push_back(parents_[path.back()]);
    std::reverse(path.begin(), path.end());
    return path;
  }

  // Labels are not kept: the steps along the way are made once more.
  void tell(const std::vector<std::size_t>& path) {
    for (std::size_t i = 1; i < path.size(); ++i) {
      const State& after = states_[path[i]];
      const auto& steps = stepsFrom(path[i - 1]);
      const auto step = std::find_if(steps.begin(), steps.end(), [&](const auto& candidate) {
        return bytesOf(candidate.after) == bytesOf(after);
      });
      std::string line = step->label.text();
      line.resize(std::max<std::size_t>(line.size(), 62), ' ');
      result_.trace.push_back(line + " | " + model_.describe(after));
    }
  }

  static constexpr std::uint32_t kEmpty = UINT32_MAX;

  const Model& model_;
  Exploration result_;
  std::vector<State> states_;  // in the order of discovery; others name one by its index
  std::vector<std::uint32_t> parents_;
  std::vector<std::uint32_t> slots_;  // a hash table of indices; their number is a power of two
  Steps<State> steps_;
  std::unordered_map<const char*, std::size_t> taken_;  // by the address of the literal
};

template <typename Model>
Exploration explore(const Model& model, std::size_t most_states = 30'000'000) {
  return Explorer<Model>(model).run(most_states);
}

}  // namespace strata::model
