#include "controller/metrics/application_metrics.h"

#include <algorithm>
#include <array>
#include <optional>

namespace controller {

using api::SparkApplication;
using api::SparkApplicationStatus;
using api::State;
using kube::ChangeType;

namespace {

constexpr std::string_view kStateLabel = "state";

bool ends_or_restarts(State state) {
  switch (state) {
    case State::Completed:
    case State::Failed:
    case State::PendingRerun:
    case State::Invalidating:
    case State::Succeeding:
    case State::Failing:
    case State::Suspending:
      return true;
    default:
      return false;
  }
}

bool has_ended(PodPhase phase) {
  return phase == PodPhase::Succeeded || phase == PodPhase::Failed;
}

bool same_attempt(const SparkApplicationStatus& a, const SparkApplicationStatus& b) {
  return a.application_state.state == b.application_state.state && a.submission_id == b.submission_id &&
         a.submission_attempts == b.submission_attempts && a.execution_attempts == b.execution_attempts;
}

}  // namespace

// The metrics of one label set; latencies appear with their first value.
struct ApplicationMetrics::OfLabels {
  OfLabels(kube::MetricsRegistry& to, const ApplicationMetricsOptions& with, kube::MetricLabels set)
      : registry(to), options(with), labels(std::move(set)) {}

  std::string name(const char* base) const { return metric_name(options.prefix + base); }

  prometheus::Counter& counter(prometheus::Counter*& at, const char* base, const char* help) {
    if (at == nullptr) at = &registry.counter(name(base), help, labels);
    return *at;
  }
  prometheus::Gauge& gauge(prometheus::Gauge*& at, const char* base, const char* help) {
    if (at == nullptr) at = &registry.gauge(name(base), help, labels);
    return *at;
  }

  prometheus::Counter& created() {
    return counter(created_, "spark_application_count", "Total number of SparkApplications");
  }
  prometheus::Counter& submitted() {
    return counter(submitted_, "spark_application_submit_count",
                   "Total number of submitted SparkApplications");
  }
  prometheus::Counter& refused() {
    return counter(refused_, "spark_application_failed_submission_count",
                   "Total number of failed submissions of SparkApplications");
  }
  prometheus::Counter& completed() {
    return counter(completed_, "spark_application_success_count",
                   "Total number of SparkApplications that completed");
  }
  prometheus::Counter& failed() {
    return counter(failed_, "spark_application_failure_count",
                   "Total number of SparkApplications that failed");
  }
  prometheus::Gauge& running() {
    return gauge(running_, "spark_application_running_count", "Number of SparkApplications that run");
  }
  prometheus::Gauge& executors_running() {
    return gauge(executors_running_, "spark_executor_running_count", "Number of executors that run");
  }
  prometheus::Counter& executors_completed() {
    return counter(executors_completed_, "spark_executor_success_count",
                   "Total number of executors that completed");
  }
  prometheus::Counter& executors_failed() {
    return counter(executors_failed_, "spark_executor_failure_count",
                   "Total number of executors that failed");
  }
  prometheus::Gauge* in_state(State state) {
    if (labels.contains(std::string(kStateLabel))) return nullptr;  // the user's label has that name
    auto& gauge = states[static_cast<std::size_t>(state)];
    if (gauge == nullptr) {
      kube::MetricLabels all = labels;
      all[std::string(kStateLabel)] = state == State::New ? "NEW" : std::string(api::to_string(state));
      gauge =
          &registry.gauge(name("spark_application_state_count"), "Number of SparkApplications by state", all);
    }
    return gauge;
  }

  // Upstream's summaries of execution times have an empty help text.
  void success_took(double seconds) {
    registry.summary(name("spark_application_success_execution_time_seconds"), "", labels).Observe(seconds);
  }
  void failure_took(double seconds) {
    registry.summary(name("spark_application_failure_execution_time_seconds"), "", labels).Observe(seconds);
  }
  void submit_took(double seconds) {
    registry
        .summary(name("spark_application_submit_latency_seconds"),
                 "Seconds from creation of a SparkApplication to its submission", labels)
        .Observe(seconds);
    registry
        .histogram(name("spark_application_submit_latency_seconds_histogram"),
                   "Seconds from creation of a SparkApplication to its submission",
                   options.submit_latency_buckets, labels)
        .Observe(seconds);
  }
  void start_took(double seconds) {
    registry
        .summary(name("spark_application_start_latency_seconds"),
                 "Seconds from creation of a SparkApplication to its driver's running", labels)
        .Observe(seconds);
    registry
        .histogram(name("spark_application_start_latency_seconds_histogram"),
                   "Seconds from creation of a SparkApplication to its driver's running",
                   options.start_latency_buckets, labels)
        .Observe(seconds);
  }

  // Dashboards see a series rise from 0 only if it was there before.
  void be_there() {
    created();
    submitted();
    refused();
    completed();
    failed();
    running();
  }

  kube::MetricsRegistry& registry;
  const ApplicationMetricsOptions& options;
  const kube::MetricLabels labels;
  prometheus::Counter *created_ = nullptr, *submitted_ = nullptr, *refused_ = nullptr, *completed_ = nullptr,
                      *failed_ = nullptr, *executors_completed_ = nullptr, *executors_failed_ = nullptr;
  prometheus::Gauge *running_ = nullptr, *executors_running_ = nullptr;
  std::array<prometheus::Gauge*, api::kStates.size()> states{};
};

// A write whose answer was lost.
struct ApplicationMetrics::Unsure {
  SparkApplication app;
  SparkApplicationStatus next;
  bool settled = false;
  bool counted = false;
};

ApplicationMetrics::ApplicationMetrics(kube::MetricsRegistry& registry, kube::Loop& loop,
                                       ApplicationMetricsOptions options)
    : registry_(registry),
      loop_(loop),
      options_(std::move(options)),
      sets_(options_.labels, options_.most_label_sets) {}

ApplicationMetrics::~ApplicationMetrics() = default;

void ApplicationMetrics::follow(const kube::Store<ApplicationView>& apps, const kube::Store<PodView>& pods,
                                const kube::Leadership& leadership) {
  apps_ = &apps;
  pods_ = &pods;
  leadership_ = &leadership;
  collecting_ = registry_.on_collect([this] { collect(); });
}

ApplicationMetrics::OfLabels& ApplicationMetrics::of(LabelSets::Id id) {
  if (by_id_.size() <= id) by_id_.resize(id + 1);
  if (by_id_[id] == nullptr) by_id_[id] = std::make_unique<OfLabels>(registry_, options_, sets_.labels(id));
  return *by_id_[id];
}

void ApplicationMetrics::status_written(const SparkApplication& app, const SparkApplicationStatus& next) {
  if (const auto doubt = unsure_.find(app.metadata.key()); doubt != unsure_.end()) {
    // The cache may have been faster than the answer to the second try of the same write.
    const bool counted =
        doubt->second.counted && doubt->second.app.metadata.resource_version == app.metadata.resource_version;
    unsure_.erase(doubt);
    if (counted) return;
  }
  count(app, next);
}

void ApplicationMetrics::status_unsure(const SparkApplication& app, const SparkApplicationStatus& next) {
  const auto known = unsure_.find(app.metadata.key());
  if (known != unsure_.end() && known->second.counted &&
      known->second.app.metadata.resource_version == app.metadata.resource_version)
    return;
  Unsure& write = unsure_.insert_or_assign(app.metadata.key(), Unsure{app, next}).first->second;
  // Its event may have been faster than the failure.
  if (apps_ == nullptr) return;
  if (const auto view = apps_->get(app.metadata.key())) settle(write, *view);
}

void ApplicationMetrics::count(const SparkApplication& app, const SparkApplicationStatus& next) {
  const State before = app.status.application_state.state;
  const State after = next.application_state.state;
  OfLabels& metrics = of(sets_.of(app.metadata.labels, app.metadata.namespace_));
  if (before == State::New && after != State::New) metrics.created().Increment();
  // Also when one failed submission follows another: upstream, which only sees changes of state, misses
  // those.
  if (after == State::SubmissionFailed &&
      (before != after || next.submission_attempts > app.status.submission_attempts)) {
    metrics.refused().Increment();
  }
  const bool begun_before = begun_before_.contains(app.metadata.uid);
  if (ends_or_restarts(after)) begun_before_.insert(app.metadata.uid);
  if (before == after) return;

  std::optional<double> age;
  if (app.metadata.creation_timestamp && !begun_before)
    age = kube::seconds(loop_.now() - *app.metadata.creation_timestamp);
  std::optional<double> took;
  if (next.termination_time && next.last_submission_attempt_time)
    took = kube::seconds(*next.termination_time - *next.last_submission_attempt_time);
  switch (after) {
    case State::Submitted:
      metrics.submitted().Increment();
      if (age && next.submission_attempts == 1) metrics.submit_took(*age);
      break;
    case State::Running:
      if (age && next.execution_attempts == 1) metrics.start_took(*age);
      break;
    case State::Completed:
      metrics.completed().Increment();
      if (took) metrics.success_took(*took);
      break;
    case State::Failed:
      metrics.failed().Increment();
      if (took) metrics.failure_took(*took);
      break;
    default:
      break;
  }
}

void ApplicationMetrics::application_changed(const kube::Change<ApplicationView>& change) {
  if (change.type == ChangeType::Deleted) {
    begun_before_.erase(change.object->uid);
  } else if (ends_or_restarts(change.object->state)) {
    begun_before_.insert(change.object->uid);
  }
  const auto doubt = unsure_.find(change.key);
  if (doubt == unsure_.end()) return;
  settle(doubt->second, *change.object);
  if (change.type == ChangeType::Deleted) unsure_.erase(doubt);
}

// By what the cache shows: the write was done, was not, or is still to be seen.
void ApplicationMetrics::settle(Unsure& write, const ApplicationView& seen) {
  if (write.settled || seen.resource_version == write.app.metadata.resource_version) return;
  const auto now = seen.decode();
  write.settled = true;
  // Whether by the write that was not answered or by its repetition, which will find it counted.
  write.counted = now && now->metadata.uid == write.app.metadata.uid && same_attempt(now->status, write.next);
  if (write.counted) count(write.app, write.next);
}

void ApplicationMetrics::executor_changed(const kube::Change<PodView>& change) {
  if (!change.object->is_executor() || leadership_ == nullptr || leadership_->term() == 0) return;
  // Those that had ended before we looked were counted by whoever looked then.
  if (change.before == nullptr || has_ended(change.before->phase) || !has_ended(change.object->phase)) return;
  OfLabels& metrics = of(change.object->label_set);
  (change.object->phase == PodPhase::Succeeded ? metrics.executors_completed() : metrics.executors_failed())
      .Increment();
}

void ApplicationMetrics::collect() {
  struct Found {
    std::array<double, api::kStates.size()> states{};
    double applications = 0, executors = 0, executors_running = 0;
  };
  std::vector<Found> found(sets_.size());
  const bool leading = leadership_->term() != 0;
  if (leading) {
    apps_->each([&](const ApplicationView& app) {
      found[app.label_set].applications += 1;
      found[app.label_set].states[static_cast<std::size_t>(app.state)] += 1;
    });
    pods_->each([&](const PodView& pod) {
      if (!pod.is_executor()) return;
      found[pod.label_set].executors += 1;
      if (pod.phase == PodPhase::Running) found[pod.label_set].executors_running += 1;
    });
  }
  // Without labels there is one set, whose series are there before the first application.
  const bool unlabelled = leading && sets_.size() > 0 && sets_.labels(0).empty();
  for (LabelSets::Id id = 0; id < sets_.size(); ++id) {
    const bool known = id < by_id_.size() && by_id_[id] != nullptr;
    const Found& now = found[id];
    if (!known && now.applications == 0 && now.executors == 0 && !unlabelled) continue;
    OfLabels& metrics = of(id);
    if (now.applications > 0 || unlabelled) metrics.be_there();
    if (metrics.running_ != nullptr)
      metrics.running_->Set(now.states[static_cast<std::size_t>(State::Running)]);
    if (now.executors > 0 || metrics.executors_running_ != nullptr)
      metrics.executors_running().Set(now.executors_running);
    for (const auto& state : api::kStates) {
      const std::size_t index = static_cast<std::size_t>(state.value);
      if (now.states[index] == 0 && metrics.states[index] == nullptr) continue;
      if (auto* gauge = metrics.in_state(state.value)) gauge->Set(now.states[index]);
    }
  }
}

}  // namespace controller
