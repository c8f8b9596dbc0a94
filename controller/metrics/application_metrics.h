// ApplicationMetrics counts what happens to applications and their executors, under upstream's names
// (docs/metrics.md lists them).
//
//   ApplicationMetrics metrics(registry, loop, {.labels = {"app_type"}});
//   metrics.follow(apps.store(), pods.store(), manager.leadership());     // for the gauges
//   view.label_set = metrics.label_set(json);                             // by the projections
//   metrics.status_written(app, next);                                    // by whoever writes status
//   metrics.status_unsure(app, next);                                     // the answer did not come
//   metrics.application_changed(change); metrics.executor_changed(change);  // by the informers
//
// Counters and latencies rest on the changes of status that this process itself has written: each is written
// once, with the resourceVersion it was decided on, so it is counted once, whoever restarts or follows. What
// was there at the start was counted by whoever wrote it. A write whose answer was lost counts when the
// cache shows that it was done. Executors have no status of their own: their ends count as the leader sees
// them happen. Gauges are recomputed from the caches whenever they are read, by the leader alone, so
// they cannot drift and a sum over replicas is right.
//
// Thread: the loop's only. Lifetime: the registry, the stores and the leadership outlive it.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/spark_application.h"
#include "controller/application/application_view.h"
#include "controller/application/pod_view.h"
#include "controller/metrics/label_sets.h"
#include "controller/metrics/latency_buckets.h"
#include "kube/runtime/informer.h"
#include "kube/runtime/leader_election.h"
#include "kube/runtime/metrics.h"

namespace controller {

struct ApplicationMetricsOptions {
  std::string prefix = {};               // before each name, without a separator
  std::vector<std::string> labels = {};  // of applications and pods, that become labels of metrics
  std::vector<double> submit_latency_buckets = kSubmitLatencyBuckets;
  std::vector<double> start_latency_buckets = kStartLatencyBuckets;
  std::size_t most_label_sets = 1000;  // kept apart; see LabelSets
};

class ApplicationMetrics {
 public:
  ApplicationMetrics(kube::MetricsRegistry& registry, kube::Loop& loop, ApplicationMetricsOptions options);
  ~ApplicationMetrics();

  // Once.
  void follow(const kube::Store<ApplicationView>& apps, const kube::Store<PodView>& pods,
              const kube::Leadership& leadership);

  // Under which labels the object counts; for its view.
  LabelSets::Id label_set(kube::JsonView object) { return sets_.of(object); }

  // `app` as it was before the write.
  void status_written(const api::SparkApplication& app, const api::SparkApplicationStatus& next);
  void status_unsure(const api::SparkApplication& app, const api::SparkApplicationStatus& next);

  void application_changed(const kube::Change<ApplicationView>& change);
  void executor_changed(const kube::Change<PodView>& change);

 private:
  struct OfLabels;
  struct Unsure;

  OfLabels& of(LabelSets::Id id);
  void count(const api::SparkApplication& app, const api::SparkApplicationStatus& next);
  void settle(Unsure& write, const ApplicationView& seen);
  void collect();

  kube::MetricsRegistry& registry_;
  kube::Loop& loop_;
  const ApplicationMetricsOptions options_;
  LabelSets sets_;
  std::vector<std::unique_ptr<OfLabels>> by_id_;
  std::map<kube::ObjectKey, Unsure> unsure_;
  // UIDs of applications that have run or were edited: what they start next says nothing about the time since
  // their creation.
  std::set<std::string> begun_before_;
  const kube::Store<ApplicationView>* apps_ = nullptr;
  const kube::Store<PodView>* pods_ = nullptr;
  const kube::Leadership* leadership_ = nullptr;
  std::shared_ptr<void> collecting_;
};

}  // namespace controller
