// WorkQueueMetrics measures one work queue under the names of controller-runtime's queue.
//
//   WorkQueue<ObjectKey> queue(loop, options, WorkQueueMetrics::create(metrics, loop, "web"));
//
// Waiting lanes appear as the label `priority` of workqueue_depth: "0" known work, "-100" new work; sum over
// it. Time in a delay counts neither as depth nor as queue duration, as there.
// Thread: the loop's only. Lifetime: the registry outlives it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kube/async/loop.h"
#include "kube/runtime/metrics.h"

namespace kube {

struct WorkQueueMetrics {
  prometheus::Gauge& depth_known;
  prometheus::Gauge& depth_new;
  prometheus::Counter& adds;
  prometheus::Histogram& queue_seconds;
  prometheus::Histogram& work_seconds;
  prometheus::Counter& retries;

  // Since when each item is in work; set by the queue, asked when metrics are read.
  std::function<std::vector<SteadyTime>()>& running;
  std::shared_ptr<void> lifetime;

  static WorkQueueMetrics create(MetricsRegistry& metrics, Loop& loop, const std::string& queue);

  void became_ready(bool known) {
    adds.Increment();
    (known ? depth_known : depth_new).Increment();
  }
  void changed_lane() {
    depth_new.Decrement();
    depth_known.Increment();
  }
  void taken(bool known, Duration waited) {
    (known ? depth_known : depth_new).Decrement();
    queue_seconds.Observe(seconds(waited));
  }
  void done(Duration worked) { work_seconds.Observe(seconds(worked)); }
};

}  // namespace kube
