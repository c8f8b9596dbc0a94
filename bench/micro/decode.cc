#include "bench/micro/benchmarks.h"
#include "bench/micro/samples.h"
#include "controller/application/application_view.h"
#include "controller/application/pod_view.h"
#include "kube/core/watch_event.h"

namespace bench {

void decode_benchmarks(Suite& suite) {
  const std::string pod =
      kube::encode_watch_event(kube::WatchEventType::Modified, kube::dump_json(driver_pod_json()));
  const std::string app =
      kube::encode_watch_event(kube::WatchEventType::Added, kube::dump_json(application_json()));
  kube::WatchDecoder decoder;

  suite.measure("watch: pod event (" + std::to_string(pod.size()) + " B) to projection", [&] {
    const auto event = must(decoder.decode(pod), "decode");
    return controller::project_pod(event.object);
  });
  suite.measure("watch: application event (" + std::to_string(app.size()) + " B) to projection", [&] {
    const auto event = must(decoder.decode(app), "decode");
    return controller::project_application(event.object);
  });
  // What it is compared with: the same bytes through the value type.
  suite.measure("watch: the pod event as a JSON value instead", [&] { return kube::parse_json(pod); });
}

}  // namespace bench
