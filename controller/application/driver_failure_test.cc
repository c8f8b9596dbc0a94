#include "controller/application/driver_failure.h"

#include <catch2/catch.hpp>

#include "controller/application/driver_log.h"

using namespace controller;
using kube::Json;

namespace {

// A driver pod with this status.
PodView driver(const char* status, bool deleted = false) {
  Json pod{{"metadata", {{"name", "pi-driver"}, {"namespace", "ns"}, {"labels", {{"spark-role", "driver"}}}}},
           {"status", Json::parse(status)}};
  if (deleted) pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  return project_pod(pod).value();
}

}  // namespace

TEST_CASE("why a driver failed is said in one word and one sentence", "[reasons]") {
  struct Row {
    const char* why;
    const char* status;
    const char* message;  // how it begins …
    const char* tells;    // … and what it mentions
    FailureReason reason;
    bool deleted = false;
  };
  const Row rows[] = {
      {"out of memory",
       R"({"phase":"Failed","containerStatuses":[{"name":"spark-kubernetes-driver",
           "state":{"terminated":{"exitCode":137,"reason":"OOMKilled"}}}]})",
       "driver container failed with ExitCode: 137, Reason: OOMKilled [OOMKilled] ", "memoryOverhead",
       FailureReason::OomKilled},
      {"the application's own error",
       R"({"phase":"Failed","containerStatuses":[{"name":"spark-kubernetes-driver",
           "state":{"terminated":{"exitCode":1,"reason":"Error"}}}]})",
       "driver container failed with ExitCode: 1, Reason: Error [ExitCode] ", "exit code 1",
       FailureReason::ExitCode},
      {"with a termination message",
       R"({"phase":"Failed","containerStatuses":[{"name":"spark-kubernetes-driver",
           "state":{"terminated":{"exitCode":3,"reason":"Error","message":"no input for today\n"}}}]})",
       "driver container failed with ExitCode: 3, Reason: Error [ExitCode] ",
       "exit code 3: no input for today", FailureReason::ExitCode},
      {"evicted",
       R"({"phase":"Failed","reason":"Evicted","message":"The node was low on resource: memory."})",
       "driver container status missing [Evicted] ", "The node was low on resource: memory.",
       FailureReason::Evicted},
      {"drained",
       R"({"phase":"Failed","conditions":[{"type":"DisruptionTarget","status":"True",
           "reason":"EvictionByEvictionAPI","message":"Eviction API: evicting"}],
           "containerStatuses":[{"name":"spark-kubernetes-driver",
           "state":{"terminated":{"exitCode":143,"reason":"Error"}}}]})",
       "driver container failed with ExitCode: 143, Reason: Error [Evicted] ", "evicting",
       FailureReason::Evicted},
      {"preempted",
       R"({"phase":"Failed","conditions":[{"type":"DisruptionTarget","status":"True",
           "reason":"PreemptionByScheduler","message":"preempting to accommodate a higher priority pod"}],
           "containerStatuses":[{"name":"spark-kubernetes-driver",
           "state":{"terminated":{"exitCode":137,"reason":"Error"}}}]})",
       "driver container failed with ExitCode: 137", "higher priority", FailureReason::Preempted},
      {"a spot node is taken back",
       R"({"phase":"Failed","reason":"Terminated","message":"Pod was terminated in response to imminent node shutdown.",
           "conditions":[{"type":"DisruptionTarget","status":"True","reason":"TerminationByKubelet"}]})",
       "driver container status missing [NodeShutdown] ", "imminent node shutdown",
       FailureReason::NodeShutdown},
      {"the node was tainted away",
       R"({"phase":"Failed","conditions":[{"type":"DisruptionTarget","status":"True",
           "reason":"DeletionByTaintManager","message":"Taint manager: deleting due to NoExecute taint"}]})",
       "driver container status missing [NodeLost] ", "NoExecute", FailureReason::NodeLost},
      {"the node was lost, as older clusters say it",
       R"({"phase":"Unknown","reason":"NodeLost","message":"gone"})",
       "driver container status missing [NodeLost] ", "gone", FailureReason::NodeLost},
      {"the kubelet's deadline",
       R"({"phase":"Failed","reason":"DeadlineExceeded","message":"Pod was active"})",
       "driver container status missing [DeadlineExceeded] ", "Pod was active",
       FailureReason::DeadlineExceeded},
      {"the node did not admit it",
       R"({"phase":"Failed","reason":"OutOfcpu","message":"Node didn't have enough"})",
       "driver container status missing [PodRejected] ", "OutOfcpu: Node didn't have enough",
       FailureReason::PodRejected},
      {"deleted while it ran",
       R"({"phase":"Failed","containerStatuses":[{"name":"spark-kubernetes-driver",
           "state":{"terminated":{"exitCode":143,"reason":"Error"}}}]})",
       "driver container failed with ExitCode: 143, Reason: Error [DriverDeleted] ", "deleted",
       FailureReason::DriverDeleted, true},
      {"it failed by itself before the eviction",
       R"({"phase":"Failed","conditions":[{"type":"DisruptionTarget","status":"True",
           "reason":"EvictionByEvictionAPI"}],"containerStatuses":[{"name":"spark-kubernetes-driver",
           "state":{"terminated":{"exitCode":1,"reason":"Error"}}}]})",
       "driver container failed with ExitCode: 1", "exit code 1", FailureReason::ExitCode},
      {"nothing is known", R"({"phase":"Failed"})", "driver container status missing [Unknown] ", "",
       FailureReason::Unknown},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const PodView pod = driver(row.status, row.deleted);
    const std::string message = driver_failure(pod);
    INFO(message);
    CHECK(message.starts_with(row.message));
    CHECK(message.find(row.tells) != std::string::npos);
    CHECK(reason_in(message) == row.reason);
    CHECK(failure_of(pod).reason == row.reason);
  }
}

TEST_CASE("what holds up a pending driver is known from its pod", "[reasons]") {
  struct Row {
    const char* why;
    const char* status;
    std::optional<FailureReason> reason;
    const char* tells;
  };
  const Row rows[] = {
      {"on its way",
       R"({"phase":"Pending","conditions":[{"type":"PodScheduled","status":"True"}],"containerStatuses":[
           {"name":"spark-kubernetes-driver","state":{"waiting":{"reason":"ContainerCreating"}}}]})",
       std::nullopt, ""},
      {"no such image",
       R"({"phase":"Pending","containerStatuses":[{"name":"spark-kubernetes-driver",
           "state":{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling image \"spark:9\""}}}]})",
       FailureReason::ImagePull, "container spark-kubernetes-driver: ImagePullBackOff: Back-off"},
      {"a sidecar's image counts as well",
       R"({"phase":"Pending","containerStatuses":[{"name":"log","state":{"waiting":{"reason":"InvalidImageName"}}}]})",
       FailureReason::ImagePull, "container log"},
      {"a secret is missing",
       R"({"phase":"Pending","containerStatuses":[{"name":"spark-kubernetes-driver",
           "state":{"waiting":{"reason":"CreateContainerConfigError","message":"secret \"db\" not found"}}}]})",
       FailureReason::CreateContainerConfigError, "secret \"db\" not found"},
      {"no node",
       R"({"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"Unschedulable",
           "message":"0/3 nodes are available: 3 Insufficient cpu."}]})",
       FailureReason::Unschedulable, "3 Insufficient cpu"},
      {"gated",
       R"({"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","reason":"SchedulingGated",
           "message":"Scheduling is blocked due to non-empty scheduling gates"}]})",
       FailureReason::SchedulingGated, "gates"},
      {"an init container loops",
       R"({"phase":"Pending","initContainerStatuses":[{"name":"fetch","state":{"waiting":{"reason":"CrashLoopBackOff"}},
           "lastState":{"terminated":{"exitCode":2,"message":"no route"}}}]})",
       FailureReason::InitContainerFailed, "init container fetch: exit code 2: no route"},
      {"running", R"({"phase":"Running"})", std::nullopt, ""},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    const auto obstacle = start_obstacle(driver(row.status));
    REQUIRE(obstacle.has_value() == row.reason.has_value());
    if (!obstacle) continue;
    CHECK(obstacle->reason == *row.reason);
    CHECK(obstacle->sentence.find(row.tells) != std::string::npos);
    CHECK(is_driver_pending(driver_pending(*obstacle)));
  }
}

TEST_CASE("words of a scheduler that writes pages are bounded", "[reasons]") {
  Json status{{"phase", "Pending"},
              {"conditions", Json::array({{{"type", "PodScheduled"},
                                           {"status", "False"},
                                           {"reason", "Unschedulable"},
                                           {"message", std::string(10'000, 'x')}}})}};
  const PodView pod = driver(status.dump().c_str());
  CHECK(pod.trouble.text.size() <= 512);
}

TEST_CASE("the last words of a log are the exception that ended the program", "[reasons]") {
  struct Row {
    const char* why;
    const char* log;
    const char* words;
  };
  const Row rows[] = {
      {"Python",
       "INFO start\nTraceback (most recent call last):\n  File \"/a.py\", line 3, in <module>\n    boom()\n"
       "ValueError: no such day\n26/01/01 INFO ShutdownHookManager: Deleting directory /tmp/spark-1\n",
       "ValueError: no such day"},
      {"Java in Python",
       "Traceback (most recent call last):\n  File \"/a.py\", line 3\npy4j.protocol.Py4JJavaError: An error "
       "occurred while calling o30.load.\n: org.apache.spark.SparkException: Job aborted\n\tat "
       "a.b.c(D.scala)\n"
       "Caused by: java.lang.RuntimeException: middle\nCaused by: java.io.FileNotFoundException: "
       "s3a://b/k\n\tat x\n",
       "py4j.protocol.Py4JJavaError: An error occurred while calling o30.load.: "
       "org.apache.spark.SparkException: Job "
       "aborted; Caused by: java.io.FileNotFoundException: s3a://b/k"},
      {"Java",
       "Exception in thread \"main\" java.lang.ArithmeticException: / by zero\n\tat Main.main(Main.java:1)\n",
       "Exception in thread \"main\" java.lang.ArithmeticException: / by zero"},
      {"a cause of something that was got over is none",
       "Caused by: java.net.ConnectException: retried\nException in thread \"main\" java.lang.Error: other\n",
       "Exception in thread \"main\" java.lang.Error: other"},
      {"only an error line", "26/01/01 ERROR SparkContext: Error initializing\n\tat x\n26/01/01 INFO bye\n",
       "26/01/01 ERROR SparkContext: Error initializing"},
      {"nothing of the kind", "one\r\ntwo\n\nthree\nfour\n", "two | three | four"},
      {"a cut stack", "Traceback (most recent call last):\n  File",
       "Traceback (most recent call last): |   File"},
      {"empty", "", ""},
  };
  for (const Row& row : rows) {
    INFO(row.why);
    CHECK(last_words(row.log) == row.words);
  }
  CHECK(last_words("Exception in thread " + std::string(100'000, 'x')).size() <= 512);
}
