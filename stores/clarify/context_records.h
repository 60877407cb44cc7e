#pragma once

#include <memory>

#include "stores/base/transactor.h"
#include "stores/clarify/clarify_tables.h"
#include "strata/store/store.h"

namespace strata::internal {

// What a context shows of users, as a Store<T> for caching and coalescing to stand on; T is a type
// of ContextSources. One query for a user, and one for many. Read only: put and remove are
// Unimplemented, for what is shown changes in transactions over several tables (ClarifyDatabase).
template <typename T>
std::unique_ptr<Store<T>> makeContextRecords(std::shared_ptr<Transactor<ClarifyTables>> transactor);

}  // namespace strata::internal
