// Random sequences of calls of a Store<T>, in several units of work at the same time and outside of
// them, run in step in memory and on PostgreSQL: both answer the same, and hold the same at the end.
//
// The seed is printed where it fails; RC_PARAMS="seed=… max_success=…" sets it and the number of
// sequences.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <array>
#include <cstdint>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "strata/base/status.h"
#include "strata/factories/unit_of_work_factory.h"
#include "strata/records/json_codec.h"
#include "strata/strata.h"
#include "strata/testing/servers/local_servers.h"
#include "strata/testing/status_matchers.h"

namespace strata {

enum class SeatClass : std::uint8_t { kPlain, kFront };
BOOST_DESCRIBE_ENUM(SeatClass, kPlain, kFront)

struct Seat {
  std::string hall;
  std::int16_t number = 0;
  std::string guest;
  double price = 0;
  SeatClass seat_class = SeatClass::kPlain;
};
BOOST_DESCRIBE_STRUCT(Seat, (), (hall, number, guest, price, seat_class))

template <>
struct Entity<Seat> {
  static constexpr auto table = "lockstep_seats";
  static constexpr KeySpace keys{"lockstep", "seat"};
  static constexpr std::array<std::string_view, 2> key_columns{"hall", "number"};
  static Id id(const Seat& seat) { return {seat.hall, std::to_string(seat.number)}; }
};

namespace {

using testing::IsOk;

constexpr std::size_t kUnits = 3;

enum class Call : std::uint8_t {
  kBegin,
  kGet,
  kPut,
  kRemove,
  kGetMany,
  kLock,
  kCommit,
  kRollback,
  kGetOddId,
  kPutOddValue,
  kEnd
};

struct Step {
  Call call = Call::kGet;
  std::size_t unit = kUnits;  // kUnits: none
  std::int16_t seat = 0;
  unsigned choice = 0;
};

void showValue(const Step& step, std::ostream& out) {
  static constexpr std::array<const char*, 10> kNames{
      "begin", "get",    "put",      "remove",   "getMany",
      "lock",  "commit", "rollback", "getOddId", "putOddValue"};
  out << kNames.at(static_cast<std::size_t>(step.call)) << " unit " << step.unit << " seat "
      << step.seat << " choice " << step.choice;
}

rc::Gen<Step> anyStep() {
  return rc::gen::map(
      rc::gen::tuple(rc::gen::resize(100, rc::gen::inRange(0U, 10U)),
                     rc::gen::resize(100, rc::gen::inRange(0U, unsigned{kUnits} + 1)),
                     rc::gen::resize(100, rc::gen::inRange<std::int16_t>(0, 3)),
                     rc::gen::resize(100, rc::gen::inRange(0U, 60U))),
      [](const std::tuple<unsigned, unsigned, std::int16_t, unsigned>& chosen) {
        return Step{.call = static_cast<Call>(std::get<0>(chosen)),
                    .unit = std::get<1>(chosen),
                    .seat = std::get<2>(chosen),
                    .choice = std::get<3>(chosen)};
      });
}

class Side {
 public:
  explicit Side(Backends backends)
      : backends_(std::move(backends)), seats_(*createStore<Seat>(backends_)) {}

  std::string run(const Step& step, Deadline deadline) {
    UnitOfWork* const unit = step.unit == kUnits ? nullptr : units_.at(step.unit).get();
    const ReadOptions reading{.deadline = deadline, .unit = unit};
    const WriteOptions writing{.deadline = deadline, .unit = unit};
    const Id id{"main", std::to_string(step.seat)};
    switch (step.call) {
      case Call::kBegin:
        units_.at(step.unit) = *beginUnitOfWork(backends_);
        return "begun";
      case Call::kGet:
        return textOf(seats_->get(id, reading));
      case Call::kPut:
        return textOf(seats_->put(seat(step), writing).status());
      case Call::kRemove:
        return textOf(seats_->remove(id, writing).status());
      case Call::kGetMany:
        return textOf(seats_->getMany({Id{"main", "1"}, Id{"main", "01"}, id}, reading));
      case Call::kLock: {
        ReadOptions locking = reading;
        locking.lock = ReadLock::kForUpdate;
        return textOf(seats_->get(id, locking));
      }
      case Call::kCommit:
        return textOf(std::exchange(units_.at(step.unit), nullptr)->commit());
      case Call::kRollback:
        units_.at(step.unit).reset();
        return "rolled back";
      case Call::kGetOddId:
        return textOf(seats_->get(oddId(step.choice), reading)) +
               textOf(seats_->remove(oddId(step.choice), writing).status());
      case Call::kPutOddValue:
        return textOf(seats_->put(oddSeat(step.choice), writing).status());
      case Call::kEnd:
        break;
    }
    return "";
  }

  std::string all() {
    for (auto& unit : units_) unit.reset();
    std::string all;
    for (int i = 0; i < 3; ++i) all += textOf(seats_->get(Id{"main", std::to_string(i)}));
    for (int i = 0; i < 3; ++i) {
      EXPECT_THAT(seats_->remove(Id{"main", std::to_string(i)}), IsOk());
    }
    return all;
  }

 private:
  static Seat seat(const Step& step) {
    return {.hall = "main",
            .number = step.seat,
            .guest = "guest " + std::to_string(step.choice),
            .price = 0.1 * step.choice,
            .seat_class = step.choice % 2 == 0 ? SeatClass::kFront : SeatClass::kPlain};
  }
  static Id oddId(unsigned choice) {
    static const std::vector<Id> all{Id{"main", "007"},
                                     Id{"main", "+1"},
                                     Id{"main", "40000"},
                                     Id{"main", ""},
                                     Id{"main", "1", "2"},
                                     Id("main"),
                                     Id(""),
                                     Id{"main", " 1"},
                                     Id{"\xC3\x28", "1"},
                                     Id{"main", "-0"},
                                     Id{std::string("a\0", 2), "1"},
                                     Id{"main", "x"}};
    return all[choice % all.size()];
  }
  static Seat oddSeat(unsigned choice) {
    static const std::vector<Seat> all{
        {.hall = ""},
        {.hall = "main", .guest = "\xC3\x28"},
        {.hall = "main", .guest = std::string("a\0b", 3)},
        {.hall = "main", .price = std::numeric_limits<double>::infinity()},
        {.hall = "main", .price = std::numeric_limits<double>::quiet_NaN()},
        {.hall = "main", .seat_class = static_cast<SeatClass>(9)}};
    return all[choice % all.size()];
  }

  static std::string textOf(const absl::Status& status) {
    if (absl::IsDeadlineExceeded(status)) return "DEADLINE_EXCEEDED";
    return describe(status);
  }
  static std::string textOf(const absl::StatusOr<Snapshot<Seat>>& read) {
    if (!read.ok()) return textOf(read.status());
    return *read == nullptr ? "null" : encodeJson(**read);
  }
  static std::string textOf(const Snapshots<Seat>& all) {
    std::string text;
    for (const auto& one : all) text += textOf(one) + "; ";
    return text;
  }

  const Backends backends_;
  const std::unique_ptr<Store<Seat>> seats_;
  std::array<std::unique_ptr<UnitOfWork>, kUnits> units_;
};

class Lockstep {
 public:
  Lockstep(const Backends& memory, const Backends& other) : memory_(memory), other_(other) {}

  void run(std::vector<Step> steps) {
    open_.fill(false);
    holders_.clear();
    failed_.clear();
    said_.clear();
    for (Step& step : steps) {
      makePossible(step);
      if (step.call == Call::kEnd) continue;
      compare(step);
    }
    compareTexts(memory_.all(), other_.all(), "at the end");
  }

  const std::map<std::string, int>& codes() const { return codes_; }

 private:
  void makePossible(Step& step) {
    const bool has_unit = step.unit != kUnits;
    const bool is_open = has_unit && open_.at(step.unit);
    if (step.call == Call::kBegin) {
      if (!has_unit || is_open) step.call = Call::kGet;
    } else if (has_unit && !is_open) {
      step.call = Call::kBegin;
    } else if (!has_unit && (step.call == Call::kCommit || step.call == Call::kRollback)) {
      step.call = Call::kPut;
    }
    // One thread cannot end the unit that it waits for: such a call is made for its deadline, rarely.
    if (blocks(step) && step.choice % 10 != 0) step.call = Call::kGet;
  }

  static bool takesRow(const Step& step) {
    return step.call == Call::kPut || step.call == Call::kRemove ||
           (step.call == Call::kLock && step.unit != kUnits);
  }
  bool blocks(const Step& step) const {
    const auto holder = holders_.find(step.seat);
    return takesRow(step) && holder != holders_.end() && holder->second != step.unit &&
           !failed_.contains(step.unit);
  }

  void compare(const Step& step) {
    std::ostringstream shown;
    showValue(step, shown);
    said_ += "  " + shown.str() + "\n";
    const bool waits = blocks(step);
    const auto deadline = [&] {
      return waits ? Deadline::in(absl::Milliseconds(30)) : Deadline::in(absl::Seconds(30));
    };
    const std::string answer = memory_.run(step, deadline());
    compareTexts(answer, other_.run(step, deadline()), shown.str());
    ++codes_[answer.substr(0, answer.find_first_of(": {"))];
    note(step, answer);
  }

  void note(const Step& step, const std::string& answer) {
    if (step.unit == kUnits) return;
    if (step.call == Call::kBegin) open_.at(step.unit) = true;
    const bool ends = step.call == Call::kCommit || step.call == Call::kRollback;
    const bool fails = answer.starts_with("ABORTED") || answer.starts_with("DEADLINE_EXCEEDED");
    if (fails) failed_.insert(step.unit);
    if (ends) {
      open_.at(step.unit) = false;
      failed_.erase(step.unit);
    }
    if (ends || fails) {
      std::erase_if(holders_, [&](const auto& held) { return held.second == step.unit; });
    } else if (takesRow(step) && !failed_.contains(step.unit)) {
      holders_[step.seat] = step.unit;
    }
  }

  void compareTexts(const std::string& first, const std::string& second, const std::string& after) {
    if (first == second) return;
    RC_FAIL(fmt::format("after\n{}{}\nin memory:\n  {}\non PostgreSQL:\n  {}", said_, after, first,
                        second));
  }

  Side memory_;
  Side other_;
  std::array<bool, kUnits> open_{};
  std::set<std::size_t> failed_;
  std::map<std::int16_t, std::size_t> holders_;
  std::string said_;
  std::map<std::string, int> codes_;
};

TEST(StoresInStep, AnswerAlikeWithSeveralUnitsOfWorkAtOnce) {
  Config config;
  config.database_url = testing::sharedServers().postgres().url();
  Lockstep both(*connect({}, {.memory = std::make_shared<InMemoryDatabase>()}), *connect(config));
  const bool alike = rc::check("memory and PostgreSQL answer alike", [&] {
    both.run(*rc::gen::resize(80, rc::gen::container<std::vector<Step>>(anyStep())));
  });
  EXPECT_TRUE(alike);
  for (const char* code : {"OK", "ABORTED", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "null"}) {
    EXPECT_GT(both.codes().contains(code) ? both.codes().at(code) : 0, 0) << code;
  }
  for (const auto& [code, count] : both.codes()) std::cout << code << " " << count << "\n";
}

}  // namespace
}  // namespace strata
