#include "kube/runtime/metrics.h"

#include <catch2/catch.hpp>

#include "kube/async/sim_loop.h"
#include "kube/runtime/controller.h"
#include "kube/runtime/rest_client_metrics.h"

using namespace kube;

namespace {

bool has_line(const MetricsRegistry& metrics, const std::string& line) {
  return ("\n" + metrics.text()).find("\n" + line + "\n") != std::string::npos;
}

}  // namespace

TEST_CASE("metrics are printed as text with help and type, in one order") {
  MetricsRegistry metrics;
  metrics.gauge("b_gauge", "A gauge.").Set(2);
  metrics.counter("a_total", "A counter.", {{"x", "2"}}).Increment();
  metrics.counter("a_total", "A counter.", {{"x", "1"}}).Increment(3);
  metrics.summary("c_seconds", "").Observe(1.5);
  CHECK(metrics.text() ==
        "# HELP a_total A counter.\n# TYPE a_total counter\na_total{x=\"1\"} 3\na_total{x=\"2\"} 1\n"
        "# HELP b_gauge A gauge.\n# TYPE b_gauge gauge\nb_gauge 2\n"
        "# TYPE c_seconds summary\nc_seconds_count 1\nc_seconds_sum 1.5\n");
}

TEST_CASE("asking again for a metric answers the same one") {
  MetricsRegistry metrics;
  metrics.counter("a_total", "help", {{"x", "1"}}).Increment();
  metrics.counter("a_total", "help", {{"x", "1"}}).Increment();
  CHECK(has_line(metrics, "a_total{x=\"1\"} 2"));
}

TEST_CASE("gauges of time are refreshed when they are read, until their owner has gone") {
  MetricsRegistry metrics;
  auto& gauge = metrics.gauge("age", "help");
  int calls = 0;
  auto subscription = metrics.on_collect([&] { gauge.Set(++calls); });
  CHECK(has_line(metrics, "age 1"));
  CHECK(has_line(metrics, "age 2"));
  subscription.reset();
  CHECK(has_line(metrics, "age 2"));
}

TEST_CASE("a work queue's metrics have controller-runtime's names, labels and bounds") {
  SimLoop loop;
  MetricsRegistry metrics;
  WorkQueue<ObjectKey> queue(loop, {.name = "web"}, WorkQueueMetrics::create(metrics, loop, "web"));
  const std::string labels = R"({controller="web",name="web"})";
  CHECK(has_line(metrics, "workqueue_adds_total" + labels + " 0"));
  queue.add({"ns", "a"});
  queue.add({"ns", "a"});
  queue.add({"ns", "b"}, Lane::New);
  queue.add_after({"ns", "c"}, 1h);
  CHECK(has_line(metrics, R"(workqueue_depth{controller="web",name="web",priority="0"} 1)"));
  CHECK(has_line(metrics, R"(workqueue_depth{controller="web",name="web",priority="-100"} 1)"));
  CHECK(has_line(metrics, "workqueue_adds_total" + labels + " 2"));
  CHECK(has_line(metrics, "workqueue_retries_total" + labels + " 1"));
  queue.add({"ns", "b"}, Lane::Known);
  CHECK(has_line(metrics, R"(workqueue_depth{controller="web",name="web",priority="0"} 2)"));
  loop.run_for(2s);
  {
    auto item = queue.try_get();
    CHECK(has_line(metrics, R"(workqueue_depth{controller="web",name="web",priority="0"} 1)"));
    CHECK(has_line(metrics, "workqueue_queue_duration_seconds_sum" + labels + " 2"));
    loop.run_for(3s);
    auto other = queue.try_get();
    loop.run_for(1s);
    CHECK(has_line(metrics, "workqueue_unfinished_work_seconds" + labels + " 5"));
    CHECK(has_line(metrics, "workqueue_longest_running_processor_seconds" + labels + " 4"));
  }
  CHECK(has_line(metrics, "workqueue_work_duration_seconds_sum" + labels + " 5"));
  CHECK(has_line(metrics, "workqueue_unfinished_work_seconds" + labels + " 0"));
  const std::string text = metrics.text();
  std::size_t at = 0;
  for (const char* bound : {"1e-08", "1e-07", "1e-06", "9.999999999999999e-06", "9.999999999999999e-05",
                            "0.001", "0.01", "0.1", "1", "10", "100", "1000", "+Inf"}) {
    INFO(bound);
    at = text.find(
        std::string("workqueue_work_duration_seconds_bucket{controller=\"web\",name=\"web\",le=\"") + bound +
            "\"}",
        at);
    REQUIRE(at != std::string::npos);
  }
}

TEST_CASE("a controller's series are there from the start, at zero") {
  SimLoop loop;
  MetricsRegistry metrics;
  Controller controller(loop, "web", nullptr, {.workers = 7, .metrics = &metrics});
  for (const char* result : {"error", "requeue", "requeue_after", "success"})
    CHECK(has_line(metrics, std::string(R"(controller_runtime_reconcile_total{controller="web",result=")") +
                                result + "\"} 0"));
  for (const char* name : {"reconcile_errors_total", "terminal_reconcile_errors_total",
                           "reconcile_panics_total", "reconcile_timeouts_total", "active_workers"})
    CHECK(has_line(metrics, std::string("controller_runtime_") + name + R"({controller="web"} 0)"));
  CHECK(has_line(metrics, R"(controller_runtime_max_concurrent_reconciles{controller="web"} 7)"));
  CHECK(metrics.text().find(
            R"(controller_runtime_reconcile_time_seconds_bucket{controller="web",le="0.005"} 0)") !=
        std::string::npos);
}

TEST_CASE("requests to the API server are counted by code, host and method") {
  MetricsRegistry metrics;
  auto observe = rest_client_observer(metrics, "10.0.0.1:443");
  observe("GET", 200);
  observe("GET", 200);
  observe("POST", 0);
  CHECK(has_line(metrics, R"(rest_client_requests_total{code="200",host="10.0.0.1:443",method="GET"} 2)"));
  CHECK(
      has_line(metrics, R"(rest_client_requests_total{code="<error>",host="10.0.0.1:443",method="POST"} 1)"));
}

TEST_CASE("the process tells of itself under the names that dashboards ask for") {
  MetricsRegistry metrics;
  metrics.add_process_metrics();
  const std::string text = metrics.text();
  for (const char* name :
       {"process_cpu_seconds_total", "process_open_fds", "process_max_fds", "process_resident_memory_bytes",
        "process_start_time_seconds", "go_goroutines", "go_threads"})
    CHECK(text.find(std::string("\n") + name + " ") != std::string::npos);
  CHECK(text.find("process_resident_memory_bytes 0\n") == std::string::npos);
  CHECK(text.find("process_start_time_seconds 0\n") == std::string::npos);
}
