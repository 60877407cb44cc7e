#include "tests/stores/conversations/conversation/conversation_memory_stacks.h"
#include "tests/stores/conversations/path/path_suites.h"

namespace strata {
namespace {

STRATA_INSTANTIATE_PATH_SUITES(InProcess, ::testing::Values(inMemory(), cachingOverLruInMemory()));

}  // namespace
}  // namespace strata
