#include "kube/admission/named_object.h"

#include "kube/async/retry.h"

namespace kube {

Task<> watch_named_object(JsonApi api, std::string name, std::function<void()> changed, Log log) {
  Loop& loop = api.client().loop();
  const Backoff backoff{.initial = 1s, .factor = 2.0, .max = 30s, .jitter = 0.5};
  for (int failures = 0;;) {
    auto watch = co_await api.watch(WatchOptions().fields("metadata.name=" + name));
    if (!watch && watch.error().kind() == ErrorKind::Forbidden) {
      log.info("watching is not permitted; reading now and then instead",
               {{"resource", api.resource().group_resource()}, {"name", name}});
      co_return;
    }
    bool heard = false;
    while (watch) {
      auto event = co_await watch->next();
      if (!event || !*event) break;
      heard = true;
      if ((**event).type != "BOOKMARK") changed();
    }
    failures = heard ? 0 : failures + 1;
    co_await sleep(loop, backoff.delay(std::max(failures, 1), loop.random()));
    // What happened while nobody watched is not told by the next watch when it was a deletion.
    changed();
  }
}

}  // namespace kube
