#include "bench/micro/benchmarks.h"
#include "bench/micro/samples.h"
#include "controller/application/application_view.h"
#include "kube/core/fields.h"

namespace bench {

void controller_benchmarks(Suite& suite) {
  const controller::Policy policy;
  const api::SparkApplication fresh = application();
  const api::SparkApplication running = running_application();
  const controller::Observation seen = running_observation();
  const kube::TimePoint now = attempt_of(fresh).time;

  kube::JsonReader reader;
  const std::string bytes = kube::dump_json(application_json());
  const controller::ApplicationView view =
      must(controller::project_application(must(reader.read(bytes), "read")), "project");

  suite.measure("reconcile: decode the cached application", [&] { return view.decode(); });
  suite.measure("reconcile: decide, new application", [&] { return decide(fresh, {}, now, policy); });
  suite.measure("reconcile: decide, running with 5 executors",
                [&] { return decide(running, seen, now, policy); });
  suite.measure("reconcile: encode status", [&] { return kube::encode(running.status); });
}

}  // namespace bench
