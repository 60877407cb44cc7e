// What a layer costs that is switched off: nothing.
#include "bench/comparison.h"
#include "bench/record.h"
#include "strata/strata.h"

namespace strata::bench {
namespace {

Row decoratorsOff() {
  const auto backends = connect({}, {.memory = std::make_shared<InMemoryDatabase>()});
  if (!backends.ok()) fail(backends.status().ToString());
  const auto built = createStore<Session>(*backends);
  auto bare = InMemoryStore<Session>::create(backends->memory);
  if (!built.ok() || !bare.ok()) fail("the stores cannot be made");
  const Session session = makeSession(1);
  if (!(*bare)->put(session).ok()) fail("put");
  const Id id = session.id;
  // A thousand gets are one call: a single one is shorter than reading the clock.
  const auto thousand = [&id](Store<Session>& store) {
    return [&store, &id] {
      for (int i = 0; i < 1000; ++i) {
        if (!store.get(id).ok()) fail("get");
      }
    };
  };
  return compareLatency("decorators_off", {Budget::Kind::kAtMost, 1.02}, thousand(**built),
                        thousand(**bare), {.rounds = 40, .calls_per_round = 40});
}

}  // namespace

std::vector<Benchmark> layerBenchmarks() { return {{"decorators_off", decoratorsOff}}; }

}  // namespace strata::bench
