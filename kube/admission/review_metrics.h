// ReviewMetrics counts reviews by path, under the names that dashboards for controller-runtime ask for:
// controller_runtime_webhook_requests_total, _requests_in_flight, _latency_seconds, _panics_total.
//
//   ReviewMetrics metrics(registry.registry());          // a prometheus::Registry; one for all threads
//   ReviewMetrics::Path& path = metrics.path("/mutate--v1-pod");
//
// Thread: counting from any; path() too. Lifetime: the registry outlives it, it outlives the servers.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "kube/base/clock.h"

namespace kube {

class ReviewMetrics {
 public:
  explicit ReviewMetrics(prometheus::Registry& registry);

  class Path {
   public:
    void begin();
    // `code` is that of the HTTP answer; refusals count as 200.
    void end(int code, Duration took);

   private:
    friend class ReviewMetrics;
    Path(ReviewMetrics& metrics, const std::string& path);

    ReviewMetrics& metrics_;
    const std::string path_;
    prometheus::Counter& ok_;
    prometheus::Counter& failed_;
    prometheus::Gauge& in_flight_;
    std::once_flag seen_;
    prometheus::Histogram* latency_ = nullptr;  // appears with the first review, as there
  };
  // The same for the same path.
  Path& path(const std::string& path);
  // A handler ended by an exception.
  void count_panic() { panics_.Increment(); }

 private:
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Gauge>& in_flight_;
  prometheus::Family<prometheus::Histogram>& latency_;
  prometheus::Counter& panics_;
  std::mutex adding_;  // guards paths_
  std::map<std::string, std::unique_ptr<Path>> paths_;
};

}  // namespace kube
