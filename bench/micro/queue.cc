#include <vector>

#include "bench/micro/benchmarks.h"
#include "kube/async/sim_loop.h"
#include "kube/runtime/work_queue.h"

namespace bench {

using kube::Lane;
using kube::ObjectKey;

void queue_benchmarks(Suite& suite) {
  constexpr int kKeys = 1000;
  kube::SimLoop loop;
  std::vector<ObjectKey> keys;
  for (int i = 0; i < kKeys; ++i)
    keys.push_back({"team-" + std::to_string(i % 3), "app-" + std::to_string(100000 + i)});

  using Queue = kube::WorkQueue<ObjectKey>;
  const auto by_namespace = [](const ObjectKey& key) { return key.ns; };
  Queue queue(loop, {.name = "bench", .fair_by = by_namespace});
  suite.measure("queue: add, get, done (known work)", kKeys, [&] {
    for (const ObjectKey& key : keys) queue.add(key);
    int taken = 0;
    while (auto item = queue.try_get()) ++taken;
    return taken;
  });
  suite.measure("queue: add, get, done (new work, fair over 3 namespaces)", kKeys, [&] {
    for (const ObjectKey& key : keys) queue.add(key, Lane::New);
    int taken = 0;
    while (auto item = queue.try_get()) ++taken;
    return taken;
  });
  suite.measure("queue: add of a key that waits already", kKeys, [&] {
    for (const ObjectKey& key : keys) queue.add(key);
    return queue.ready();
  });
  while (auto item = queue.try_get()) item->forget();

  suite.measure("queue: add, co_await get, done by a waiting worker", kKeys, [&] {
    int taken = 0;
    auto work = [](Queue* from, const std::vector<ObjectKey>* all, int* count) -> kube::Task<> {
      for (const ObjectKey& key : *all) {
        from->add(key);
        auto item = co_await from->get();
        if (item) ++*count;
      }
    };
    loop.run(work(&queue, &keys, &taken));
    return taken;
  });
}

}  // namespace bench
