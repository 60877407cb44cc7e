// The transport for tests, as every other.
#include <gtest/gtest.h>

#include <memory>

#include "strata/testing/conformance/event_transport_conformance.h"
#include "strata/testing/fakes/in_memory_event_transport.h"

namespace strata::testing {
namespace {

EventTransportUnderTest inMemory() {
  return {"InMemory", [bus = std::make_shared<InMemoryEventBus>()] {
            return std::unique_ptr<EventTransport>(bus->createTransport());
          }};
}

INSTANTIATE_TEST_SUITE_P(InMemory, EventTransportConformance, ::testing::Values(inMemory()),
                         nameOfEventTransport);

}  // namespace
}  // namespace strata::testing
