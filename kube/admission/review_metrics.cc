#include "kube/admission/review_metrics.h"

#include <vector>

namespace kube {

namespace {

// Ten times the one before, from 10 ns to 1000 s, as a float: rounding errors are part of the `le` texts that
// dashboards group by.
std::vector<double> decades() {
  std::vector<double> bounds;
  double bound = 1e-8;
  for (int i = 0; i < 12; ++i, bound *= 10) bounds.push_back(bound);
  return bounds;
}

}  // namespace

ReviewMetrics::ReviewMetrics(prometheus::Registry& registry)
    : requests_(prometheus::BuildCounter()
                    .Name("controller_runtime_webhook_requests_total")
                    .Help("Total number of admission requests by HTTP status code.")
                    .Register(registry)),
      in_flight_(prometheus::BuildGauge()
                     .Name("controller_runtime_webhook_requests_in_flight")
                     .Help("Current number of admission requests being served.")
                     .Register(registry)),
      latency_(prometheus::BuildHistogram()
                   .Name("controller_runtime_webhook_latency_seconds")
                   .Help("Latency of processing admission requests.")
                   .Register(registry)),
      panics_(prometheus::BuildCounter()
                  .Name("controller_runtime_webhook_panics_total")
                  .Help("Total number of handlers that ended by an exception.")
                  .Register(registry)
                  .Add({})) {}

ReviewMetrics::Path::Path(ReviewMetrics& metrics, const std::string& path)
    : metrics_(metrics),
      path_(path),
      ok_(metrics.requests_.Add({{"webhook", path}, {"code", "200"}})),
      failed_(metrics.requests_.Add({{"webhook", path}, {"code", "500"}})),
      in_flight_(metrics.in_flight_.Add({{"webhook", path}})) {}

ReviewMetrics::Path& ReviewMetrics::path(const std::string& path) {
  const std::lock_guard lock(adding_);
  std::unique_ptr<Path>& found = paths_[path];
  if (!found) found.reset(new Path(*this, path));
  return *found;
}

void ReviewMetrics::Path::begin() {
  in_flight_.Increment();
}

void ReviewMetrics::Path::end(int code, Duration took) {
  in_flight_.Decrement();
  (code < 500 ? ok_ : failed_).Increment();
  std::call_once(seen_, [this] { latency_ = &metrics_.latency_.Add({{"webhook", path_}}, decades()); });
  latency_->Observe(std::chrono::duration<double>(took).count());
}

}  // namespace kube
