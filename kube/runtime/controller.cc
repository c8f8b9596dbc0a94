#include "kube/runtime/controller.h"

#include "kube/async/task_group.h"

namespace kube {

namespace {

// Only a change of what we were given helps. Everything else may heal without us: rights are granted, quotas
// raised.
bool is_terminal(const Error& error) {
  return error.kind() == ErrorKind::InvalidInput;
}

}  // namespace

struct ControllerMetrics {
  prometheus::Counter& error;
  prometheus::Counter& requeue;
  prometheus::Counter& requeue_after;
  prometheus::Counter& success;
  prometheus::Counter& errors;
  prometheus::Counter& terminal_errors;
  prometheus::Counter& panics;
  prometheus::Counter& timeouts;
  prometheus::Histogram& reconcile_seconds;
  prometheus::Gauge& max_concurrent;
  prometheus::Gauge& active;

  void count(const Result<ReconcileResult>& result) {
    if (!result) {
      error.Increment();
      errors.Increment();
      if (is_terminal(result.error())) terminal_errors.Increment();
    } else if (result->requeue_after) {
      requeue_after.Increment();
    } else {
      (result->requeue ? requeue : success).Increment();
    }
  }

  static ControllerMetrics create(MetricsRegistry& metrics, const std::string& controller) {
    const MetricLabels labels{{"controller", controller}};
    const auto total = [&](const char* result) -> prometheus::Counter& {
      return metrics.counter("controller_runtime_reconcile_total",
                             "Total number of reconciliations per controller",
                             {{"controller", controller}, {"result", result}});
    };
    return {
        .error = total("error"),
        .requeue = total("requeue"),
        .requeue_after = total("requeue_after"),
        .success = total("success"),
        .errors = metrics.counter("controller_runtime_reconcile_errors_total",
                                  "Total number of reconciliation errors per controller", labels),
        .terminal_errors =
            metrics.counter("controller_runtime_terminal_reconcile_errors_total",
                            "Total number of terminal reconciliation errors per controller", labels),
        .panics = metrics.counter("controller_runtime_reconcile_panics_total",
                                  "Total number of reconciliation panics per controller", labels),
        .timeouts = metrics.counter("controller_runtime_reconcile_timeouts_total",
                                    "Total number of reconciliation timeouts per controller", labels),
        .reconcile_seconds = metrics.histogram(
            "controller_runtime_reconcile_time_seconds", "Length of time per reconciliation per controller",
            {0.005, 0.01, 0.025, 0.05, 0.1,  0.15, 0.2,  0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6,
             0.7,   0.8,  0.9,   1,    1.25, 1.5,  1.75, 2,    2.5, 3,    3.5, 4,    4.5, 5,
             6,     7,    8,     9,    10,   15,   20,   25,   30,  40,   50,  60},
            labels),
        .max_concurrent = metrics.gauge("controller_runtime_max_concurrent_reconciles",
                                        "Maximum number of concurrent reconciles per controller", labels),
        .active = metrics.gauge("controller_runtime_active_workers",
                                "Number of currently used workers per controller", labels)};
  }
};

namespace {

WorkQueueOptions<ObjectKey> queue_options(const std::string& name, const ControllerOptions& options) {
  auto by_namespace = [](const ObjectKey& key) { return key.ns; };
  return {.name = name,
          .fair_by = options.fair_by ? options.fair_by : by_namespace,
          .backoff_initial = options.backoff_initial,
          .backoff_max = options.backoff_max,
          .retry_qps = options.retry_qps,
          .retry_burst = options.retry_burst,
          .retry_max_delay = options.retry_max_delay};
}

std::optional<WorkQueueMetrics> queue_metrics(Loop& loop, const std::string& name,
                                              const ControllerOptions& options) {
  if (options.metrics == nullptr) return std::nullopt;
  return WorkQueueMetrics::create(*options.metrics, loop, name);
}

}  // namespace

Controller::Controller(Loop& loop, std::string name, Reconciler reconciler, ControllerOptions options)
    : loop_(loop),
      name_(std::move(name)),
      reconciler_(std::move(reconciler)),
      options_(std::move(options)),
      log_(options_.log.named("controller").with("controller", name_)),
      queue_(loop, queue_options(name_, options_), queue_metrics(loop, name_, options_)),
      workers_(loop, log_),
      stopping_(loop) {
  if (options_.metrics != nullptr) {
    metrics_ = std::make_unique<ControllerMetrics>(ControllerMetrics::create(*options_.metrics, name_));
    metrics_->max_concurrent.Set(options_.workers);
  }
}

Controller::~Controller() = default;

Task<Result<>> Controller::run() {
  log_.info("controller starts", {{"workers", options_.workers}});
  for (int i = 0; i < options_.workers; ++i) workers_.spawn(name_ + " worker", work());
  if (aborted_) workers_.cancel();
  std::exception_ptr cancelled;
  try {
    while (!stopped_) co_await stopping_.wait();
  } catch (...) {
    cancelled = std::current_exception();
  }
  co_await shield();
  queue_.shut_down();  // 1. no new work
  co_await workers_.stop(cancelled ? 0s
                                   : options_.grace);  // 2. cancel what takes too long, 3. wait for the last
  log_.info("controller has stopped");
  if (cancelled) std::rethrow_exception(cancelled);
  co_return Result<>{};
}

void Controller::stop() {
  stopped_ = true;
  queue_.shut_down();
  stopping_.wake_all();
}

void Controller::abort() {
  stop();
  aborted_ = true;
  workers_.cancel();
}

Task<> Controller::work() {
  while (auto item = co_await queue_.get()) co_await reconcile(std::move(*item));
}

Task<> Controller::reconcile(WorkQueue<ObjectKey>::Item item) {
  struct Active {
    Controller& self;
    SteadyTime start;
    explicit Active(Controller& s) : self(s), start(s.loop_.steady()) { change(+1); }
    ~Active() {
      change(-1);
      if (self.metrics_) self.metrics_->reconcile_seconds.Observe(seconds(self.loop_.steady() - start));
    }
    void change(int by) {
      self.active_ += by;
      if (self.metrics_) self.metrics_->active.Set(self.active_);
    }
  } active(*this);

  ReconcileRequest request{item.key(), item.lane(), queue_.failures(item.key()),
                           log_.with(options_.kind.empty() ? "object" : options_.kind, item.key().to_string())
                               .with("reconcileID", loop_.random().uuid_v4())};
  const Log log = request.log;
  std::exception_ptr thrown;
  Result<ReconcileResult> result = ReconcileResult::done();
  try {
    result = co_await reconciler_(std::move(request));
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) {
    if (is_cancellation(thrown))
      std::rethrow_exception(thrown);  // not the object's fault: no failure is counted
    if (metrics_) metrics_->panics.Increment();
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& exception) {
      result = fail(ErrorKind::InternalError, std::string("exception: ") + exception.what());
    } catch (...) {
      result = fail(ErrorKind::InternalError, "exception of unknown type");
    }
  }
  finish(item, result, log);
}

void Controller::finish(WorkQueue<ObjectKey>::Item& item, const Result<ReconcileResult>& result,
                        const Log& log) {
  if (metrics_) metrics_->count(result);
  if (!result) {
    const Error& error = result.error();
    if (is_terminal(error)) {
      log.error("reconcile failed for good", {{"error", error}});
      item.forget();
      return;
    }
    if (error.is_conflict()) {
      // How optimistic locking works: no news for anybody, and no sign that the server needs a rest.
      queue_.add_backed_off(item.key(), item.lane());
      log.debug("reconcile met a conflict", {{"error", error}});
      return;
    }
    queue_.add_rate_limited(item.key(), item.lane(), error.retry_after().value_or(0s));
    log.warn("reconcile failed", {{"error", error}, {"failures", queue_.failures(item.key())}});
    return;
  }
  const Lane lane = result->lane.value_or(item.lane());
  if (result->requeue && !result->requeue_after) {
    queue_.add_backed_off(item.key(), lane);
    return;
  }
  item.forget();
  if (result->requeue_after) queue_.add_after(item.key(), *result->requeue_after, lane);
}

}  // namespace kube
