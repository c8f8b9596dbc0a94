// MetricsRegistry holds what a process counts and prints it as Prometheus text (exposition format 0.0.4).
//
//   MetricsRegistry metrics;                                      // one a process, handed to whoever counts
//   prometheus::Counter& adds = metrics.counter("workqueue_adds_total", "Adds handled.", {{"name", "web"}});
//   adds.Increment();                                             // hot paths hold the reference
//   std::string text = metrics.text();                            // what /metrics answers
//
// A struct of such references lies beside the thing it measures (WorkQueueMetrics, ControllerMetrics …).
// Asking for the same name and labels again answers the same metric. Names and labels that Prometheus cannot
// print, and one name with two types, are bugs of the caller: they throw. Gauges that are a function of time
// are set in on_collect(), right before they are read.
// Thread: counting from any; everything else on one thread. Lifetime: outlives all references it gave
// out.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/labels.h>
#include <prometheus/registry.h>
#include <prometheus/summary.h>

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "kube/base/clock.h"

namespace kube {

using MetricLabels = prometheus::Labels;

class MetricsRegistry {
 public:
  prometheus::Counter& counter(const std::string& name, const std::string& help,
                               const MetricLabels& labels = {});
  prometheus::Gauge& gauge(const std::string& name, const std::string& help, const MetricLabels& labels = {});
  prometheus::Histogram& histogram(const std::string& name, const std::string& help,
                                   std::vector<double> buckets, const MetricLabels& labels = {});
  // Without quantiles: only _sum and _count.
  prometheus::Summary& summary(const std::string& name, const std::string& help,
                               const MetricLabels& labels = {});

  // Called before each text(); the subscription ends with the returned handle.
  [[nodiscard]] std::shared_ptr<void> on_collect(std::function<void()> refresh);

  std::string text() const;

  // process_cpu_seconds_total, process_resident_memory_bytes …, and the names that dashboards for Go programs
  // ask for (go_goroutines, go_threads, go_memstats_…) as far as they mean anything here. Read from /proc at
  // each text().
  void add_process_metrics();

  prometheus::Registry& registry() { return registry_; }

 private:
  prometheus::Registry registry_;
  std::shared_ptr<std::list<std::function<void()>>> refresh_ =
      std::make_shared<std::list<std::function<void()>>>();
  std::vector<std::shared_ptr<void>> own_;
};

// Seconds, for Observe() and Set().
inline double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// 1e-08, 1e-07 … 1000 in the spelling that controller-runtime's own have, rounding and all.
std::vector<double> decades_from_10ns_to_1000s();

}  // namespace kube
