#include "kube/runtime/work_queue.h"

namespace kube {

void TokenBucket::fill(SteadyTime now) {
  if (filled_) tokens_ = std::min(size_, tokens_ + seconds(now - *filled_) * per_second_);
  filled_ = now;
}

Duration TokenBucket::take(SteadyTime now) {
  if (per_second_ <= 0) return Duration::zero();
  fill(now);
  tokens_ -= 1;
  if (tokens_ >= 0) return Duration::zero();
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(-tokens_ / per_second_));
}

bool TokenBucket::take_if_ready(SteadyTime now) {
  if (per_second_ <= 0) return true;
  fill(now);
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

WorkQueueMetrics WorkQueueMetrics::create(MetricsRegistry& metrics, Loop& loop, const std::string& queue) {
  const MetricLabels labels{{"name", queue}, {"controller", queue}};
  const auto of_priority = [&](const char* priority) {
    MetricLabels all = labels;
    all["priority"] = priority;
    return all;
  };
  const std::string depth = "Current depth of workqueue by workqueue and priority";
  auto& unfinished =
      metrics.gauge("workqueue_unfinished_work_seconds",
                    "How many seconds of work has been done that is in progress and has not been "
                    "observed by work_duration.",
                    labels);
  auto& longest =
      metrics.gauge("workqueue_longest_running_processor_seconds",
                    "How many seconds has the longest running processor for workqueue been running.", labels);
  struct Running {
    std::function<std::vector<SteadyTime>()> since;
    std::shared_ptr<void> subscription;
  };
  auto running = std::make_shared<Running>();
  // The subscription lies in what it looks at: it ends first.
  running->subscription = metrics.on_collect([&unfinished, &longest, &loop, state = running.get()] {
    double sum = 0;
    double oldest = 0;
    if (state->since) {
      for (SteadyTime since : state->since()) {
        const double age = seconds(loop.steady() - since);
        sum += age;
        oldest = std::max(oldest, age);
      }
    }
    unfinished.Set(sum);
    longest.Set(oldest);
  });
  return {
      .depth_known = metrics.gauge("workqueue_depth", depth, of_priority("0")),
      .depth_new = metrics.gauge("workqueue_depth", depth, of_priority("-100")),
      .adds = metrics.counter("workqueue_adds_total", "Total number of adds handled by workqueue", labels),
      .queue_seconds =
          metrics.histogram("workqueue_queue_duration_seconds",
                            "How long in seconds an item stays in workqueue before being requested",
                            decades_from_10ns_to_1000s(), labels),
      .work_seconds = metrics.histogram("workqueue_work_duration_seconds",
                                        "How long in seconds processing an item from workqueue takes.",
                                        decades_from_10ns_to_1000s(), labels),
      .retries =
          metrics.counter("workqueue_retries_total", "Total number of retries handled by workqueue", labels),
      .running = running->since,
      .lifetime = running};
}

}  // namespace kube
