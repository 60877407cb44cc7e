// What the live checker stores: a record whose every byte follows from its key and a number that no
// other write ever uses, so that a reader can tell a mixed-up answer from a true one, and which
// write it came from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "strata/records/entity.h"

namespace strata::chaos {

struct ChaosRecord {
  std::string id;
  std::int64_t number = 0;
  std::string filler;
};
BOOST_DESCRIBE_STRUCT(ChaosRecord, (), (id, number, filler))

// "k00042"
std::string idOfKey(std::uint32_t key);
// None when it is no such id.
std::optional<std::uint32_t> keyOfId(std::string_view id);

// Mostly some 100 bytes, and sometimes thousands, so that what a stack does to long values is
// exercised too.
ChaosRecord makeRecord(std::uint32_t key, std::uint64_t number);
// Whether it is what `makeRecord` made for `key` and the record's own number.
bool isIntact(const ChaosRecord& record, std::uint32_t key);

}  // namespace strata::chaos

template <>
struct strata::Entity<strata::chaos::ChaosRecord> {
  static constexpr auto table = "chaos_records";
  static constexpr strata::KeySpace keys{"chaos", "record"};
  static std::string id(const strata::chaos::ChaosRecord& record) { return record.id; }
};
