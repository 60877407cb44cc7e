#pragma once

#include <memory>

#include "src/cache/invalidator.h"
#include "strata/store/internal/any_record.h"

namespace strata::internal {

// A store that deletes the cached copies of what is written, and reads nothing from a cache.
//
// For a process that does not cache a store which others do: without it they would answer with what
// this one has replaced until it expires.
std::unique_ptr<AnyStore> createInvalidatingRecords(std::unique_ptr<AnyStore> backing,
                                                    const EntityInfo& entity,
                                                    Invalidator invalidator);

}  // namespace strata::internal
