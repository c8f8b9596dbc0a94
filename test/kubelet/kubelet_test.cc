// The process kubelet against the embedded API server: real processes, over TLS, as a local cluster runs
// them.
#include <array>
#include <catch2/catch.hpp>
#include <fstream>

#include "kube/apiserver/api_server.h"
#include "kube/async/real_loop.h"
#include "kube/async/task_group.h"
#include "kube/async/timer.h"
#include "kube/client/api.h"
#include "kube/client/config.h"
#include "kube/client/port_forward.h"
#include "kube/kubelet/kubelet.h"
#include "kube/kubelet/pod_process.h"
#include "kube/kubelet/process_runtime.h"
#include "kube/kubelet/scheduler.h"
#include "kube/kubelet/temporary_folder.h"

using namespace kube;

namespace {

// A cluster of one node for the length of one test.
class World {
 public:
  explicit World(const std::string& restart_backoff = "10s")
      : folder_(*TemporaryFolder::make("kubelet-test")),
        network_(loop_),
        server_(loop_, network_, {.listen = {"127.7.0.1", 0}, .kubelet_plain_http = true}) {
    REQUIRE(make_folders(folder_.path() / "images/app/1/opt"));
    REQUIRE(write_file(folder_.path() / "images/app/1/opt/hello", "hello from the image\n", 0644));
    REQUIRE(write_file(folder_.path() / "images/app/1/image.json",
                       R"({"env": {"FROM_IMAGE": "yes"}, "workingDir": "/opt"})", 0644));
    backoff_ = *parse_go_duration(restart_backoff);
  }

  // Runs `story` against a running cluster; everything has ended when it returns.
  void run(std::function<Task<>(World&)> story) { loop_.run(run_all(std::move(story))); }

  JsonApi pods() { return JsonApi(*client_, kPods, "default"); }
  Client& client() { return *client_; }
  Loop& loop() { return loop_; }

  static Json pod(const std::string& name, const std::string& script, Json extra = Json::object()) {
    Json spec = {{"restartPolicy", "Never"}, {"terminationGracePeriodSeconds", 5}};
    Json container = {{"name", "main"}, {"image", "app:1"}, {"command", Json::array({"sh", "-c", script})}};
    if (extra.contains("container")) container.update(extra["container"]);
    if (extra.contains("spec")) spec.update(extra["spec"]);
    spec["containers"] = Json::array({container});
    Json meta = {{"name", name}, {"namespace", "default"}};
    if (extra.contains("labels")) meta["labels"] = extra["labels"];
    return {{"apiVersion", "v1"}, {"kind", "Pod"}, {"metadata", meta}, {"spec", spec}};
  }
  Task<Json> create(Json object, Resource resource = kPods) {
    JsonApi api(*client_, resource, "default");
    auto made = co_await api.create(object);
    if (!made) FAIL(made.error().message());
    co_return *made;
  }
  Task<Json> wait_for(std::string name, std::function<bool(const Json&)> holds) {
    const SteadyTime deadline = loop_.after(20s);
    Json last;
    while (loop_.steady() < deadline) {
      auto pod = co_await pods().get(name);
      if (!pod && pod.error().is_not_found()) last = Json();
      if (pod) last = *pod;
      if (holds(last)) co_return last;
      co_await sleep(loop_, 20ms);
    }
    FAIL_CHECK("pod " << name << " did not get there: " << last["status"].dump(2));
    co_return last;
  }
  Task<Json> wait_phase(std::string name, std::string phase) {
    return wait_for(name, [phase](const Json& pod) { return string_at(pod, {"status", "phase"}) == phase; });
  }
  Task<std::string> log(std::string name, QueryParameters query = {}) {
    auto text = co_await pods().log(name, query);
    co_return text ? *text : "<" + text.error().message() + ">";
  }

 private:
  Task<> run_all(std::function<Task<>(World&)> story) {
    TaskGroup tasks(loop_, Log::to_stderr(LogLevel::Warn, LogFormat::Console, loop_.clock()));
    REQUIRE(server_.start());
    tasks.spawn("apiserver", server_.run());
    auto config = parse_kubeconfig(server_.admin_kubeconfig(), "test");
    REQUIRE(config);
    auto made = Client::create(loop_, network_, *config);
    REQUIRE(made);
    client_ = std::move(*made);
    const Log log = Log::to_stderr(LogLevel::Warn, LogFormat::Console, loop_.clock());
    ProcessRuntime runtime(*client_, {.folder = folder_.path() / "kubelet",
                                      .images = folder_.path() / "images",
                                      .api_server = server_.endpoint(),
                                      .extra_environment = {{"LOCAL", "$(POD_IP)"}},
                                      .log = log});
    Kubelet kubelet(loop_, network_, *client_, {.restart_backoff = backoff_, .log = log}, runtime);
    Scheduler scheduler(*client_, {.log = log});
    tasks.spawn("kubelet", ended(kubelet.run(), "kubelet"));
    tasks.spawn("scheduler", ended(scheduler.run(), "scheduler"));
    const SteadyTime deadline = loop_.after(10s);
    while (!kubelet.is_ready() && loop_.steady() < deadline) co_await sleep(loop_, 5ms);
    CHECK(kubelet.is_ready());
    if (kubelet.is_ready()) co_await story(*this);
    kubelet.stop();
    scheduler.stop();
    co_await sleep(loop_, 50ms);
    co_await runtime.close();
    server_.stop();
    co_await tasks.stop(3s);
  }
  static Task<> ended(Task<Result<>> part, std::string name) {
    Result<> result = co_await std::move(part);
    if (!result) FAIL_CHECK(name << ": " << result.error().message());
  }

  RealLoop loop_;
  TemporaryFolder folder_;
  TcpNetwork network_;
  ApiServer server_;
  std::unique_ptr<Client> client_;
  Duration backoff_{};
};

}  // namespace

// Where namespaces are refused, a test says so instead of failing.
#define NEED_NAMESPACES()                            \
  do {                                               \
    if (Result<> able = probe_namespaces(); !able) { \
      WARN("skipped: " << able.error().message());   \
      return;                                        \
    }                                                \
  } while (false)

// A test's coroutine; what it checks is said by the test that runs it.
#define STORY(name) static Task<> name(World& world)

STORY(simple) {
  co_await world.create(World::pod(
      "a",
      "echo $FROM_IMAGE $LOCAL $(hostname); cat hello; cat /etc/hosts | grep kubernetes; "
      "ls /var/run/secrets/kubernetes.io/serviceaccount; echo done >/dev/termination-log; exit 3"));
  Json pod = co_await world.wait_phase("a", "Failed");
  std::string log = co_await world.log("a");
  const std::string ip = string_at(pod, {"status", "podIP"});
  CHECK(log.find("yes " + ip + " a\nhello from the image\n127.7.0.1\tkubernetes.default.svc.cluster.local") ==
        0);
  CHECK(log.find("ca.crt\nnamespace\ntoken\n") != std::string::npos);
  const Json& ended = pod["status"]["containerStatuses"][0]["state"]["terminated"];
  CHECK(ended["exitCode"] == 3);
  CHECK(ended["reason"] == "Error");
  CHECK(ended["message"] == "done\n");
  CHECK((co_await world.log("a", {{"tailLines", "1"}})) == "token\n");
}
TEST_CASE("a pod runs its command, and its end and log are told") {
  NEED_NAMESPACES();
  World world;
  world.run(simple);
}

STORY(late) {
  Json extra = {{"container", {{"volumeMounts", Json::array({{{"name", "v"}, {"mountPath", "/opt/conf"}}})}}},
                {"spec", {{"volumes", Json::array({{{"name", "v"}, {"configMap", {{"name", "late"}}}}})}}}};
  co_await world.create(World::pod("l", "cat /opt/conf/key", extra));
  co_await world.create(World::pod("never", "true", extra));
  co_await world.wait_for("l", [](const Json& pod) {
    return pod["status"].contains("containerStatuses") &&
           pod["status"]["containerStatuses"][0]["state"]["waiting"].value("message", "") ==
               "volume \"v\": configmap \"late\" not found";
  });
  (void)co_await world.pods().remove("never");
  co_await world.wait_for("never", [](const Json& pod) { return pod.is_null(); });
  co_await world.create({{"apiVersion", "v1"},
                         {"kind", "ConfigMap"},
                         {"metadata", {{"name", "late"}}},
                         {"data", {{"key", "value"}}}},
                        kConfigMaps);
  co_await world.wait_phase("l", "Succeeded");
  CHECK((co_await world.log("l")) == "value\n");
}
TEST_CASE("a pod waits for its config map, and can be deleted meanwhile") {
  NEED_NAMESPACES();
  World world;
  world.run(late);
}

STORY(deletion) {
  co_await world.create(
      World::pod("d", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"));
  co_await world.create(World::pod("stubborn", "trap '' TERM; echo up; while :; do sleep 0.05; done",
                                   {{"spec", {{"terminationGracePeriodSeconds", 1}}}}));
  Json running = co_await world.wait_phase("d", "Running");
  CHECK(running["status"]["containerStatuses"][0]["ready"] == true);
  co_await world.wait_phase("stubborn", "Running");
  while ((co_await world.log("d")) != "up\n") co_await sleep(world.loop(), 20ms);
  (void)co_await world.pods().remove("d");
  (void)co_await world.pods().remove("stubborn");
  co_await world.wait_for("d", [](const Json& pod) { return pod.is_null(); });
  co_await world.wait_for("stubborn", [](const Json& pod) { return pod.is_null(); });
}
TEST_CASE("a deleted pod is told, then killed, then gone") {
  NEED_NAMESPACES();
  World world;
  world.run(deletion);
}

STORY(inits) {
  Json init = {{"name", "first"},
               {"image", "app:1"},
               {"command", Json::array({"sh", "-c", "echo one >/shared/f"})},
               {"volumeMounts", Json::array({{{"name", "s"}, {"mountPath", "/shared"}}})}};
  Json side = {{"name", "side"},
               {"image", "app:1"},
               {"restartPolicy", "Always"},
               {"command", Json::array({"sleep", "1000"})}};
  Json extra = {{"container", {{"volumeMounts", Json::array({{{"name", "s"}, {"mountPath", "/shared"}}})}}},
                {"spec",
                 {{"initContainers", Json::array({init, side})},
                  {"volumes", Json::array({{{"name", "s"}, {"emptyDir", {{"medium", "Memory"}}}}})}}}};
  co_await world.create(World::pod("i", "cat /shared/f; stat -f -c %T /shared", extra));
  Json pod = co_await world.wait_phase("i", "Succeeded");
  CHECK((co_await world.log("i")) == "one\ntmpfs\n");
  CHECK(pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 0);
  CHECK(pod["status"]["initContainerStatuses"][1]["state"]["terminated"]["exitCode"] == 143);

  init["command"] = Json::array({"sh", "-c", "exit 9"});
  extra["spec"]["initContainers"] = Json::array({init});
  co_await world.create(World::pod("j", "echo never", extra));
  pod = co_await world.wait_phase("j", "Failed");
  CHECK(pod["status"]["initContainerStatuses"][0]["state"]["terminated"]["exitCode"] == 9);
  CHECK(pod["status"]["containerStatuses"][0]["state"].contains("waiting"));
}
TEST_CASE("init containers run first, sidecars as long as they are needed") {
  NEED_NAMESPACES();
  World world;
  world.run(inits);
}

STORY(restarts) {
  co_await world.create(World::pod("r", "echo run; exit 1", {{"spec", {{"restartPolicy", "OnFailure"}}}}));
  Json pod = co_await world.wait_for("r", [](const Json& p) {
    return p["status"].contains("containerStatuses") &&
           p["status"]["containerStatuses"][0]["restartCount"] >= 2;
  });
  CHECK(pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 1);
  CHECK((co_await world.log("r", {{"previous", "true"}})) == "run\n");
  co_await world.create(World::pod("t", "sleep 1000", {{"spec", {{"activeDeadlineSeconds", 1}}}}));
  pod = co_await world.wait_phase("t", "Failed");
  CHECK(pod["status"]["reason"] == "DeadlineExceeded");
  Json extra = {
      {"container",
       {{"readinessProbe",
         {{"exec", {{"command", Json::array({"test", "-e", "/tmp/ready"})}}}, {"periodSeconds", 1}}}}}};
  co_await world.create(World::pod("p", "sleep 1; touch /tmp/ready; sleep 1000", extra));
  pod = co_await world.wait_phase("p", "Running");
  CHECK(pod["status"]["containerStatuses"][0]["ready"] == false);
  co_await world.wait_for("p",
                          [](const Json& q) { return q["status"]["containerStatuses"][0]["ready"] == true; });
  co_await world.create(World::pod("x", "true", {{"container", {{"command", Json::array({"no-such"})}}}}));
  pod = co_await world.wait_phase("x", "Failed");
  CHECK(pod["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "StartError");
}
TEST_CASE("containers restart as their pod says; deadlines and probes are kept") {
  NEED_NAMESPACES();
  World world("200ms");
  world.run(restarts);
}

STORY(startups) {
  auto probing = [](const char* script, int allowed) {
    return Json{{"exec", {{"command", Json::array({"sh", "-c", script})}}},
                {"periodSeconds", 1},
                {"timeoutSeconds", 5},
                {"failureThreshold", allowed}};
  };
  // A liveness probe that would fail while the container starts up is not asked before its startup probe
  // holds.
  Json extra = {
      {"container",
       {{"startupProbe", probing("test -e /tmp/up", 60)}, {"livenessProbe", probing("test -e /tmp/up", 1)}}}};
  co_await world.create(World::pod("s", "sleep 3; touch /tmp/up; sleep 1000", extra));
  Json pod = co_await world.wait_phase("s", "Running");
  CHECK(pod["status"]["containerStatuses"][0]["started"] == false);
  CHECK(pod["status"]["containerStatuses"][0]["ready"] == false);
  pod = co_await world.wait_for(
      "s", [](const Json& p) { return p["status"]["containerStatuses"][0]["started"] == true; });
  CHECK(pod["status"]["containerStatuses"][0]["ready"] == true);
  CHECK(pod["status"]["containerStatuses"][0]["restartCount"] == 0);
  extra = {{"container", {{"startupProbe", probing("false", 1)}}},
           {"spec", {{"restartPolicy", "OnFailure"}, {"terminationGracePeriodSeconds", 1}}}};
  co_await world.create(World::pod("never", "sleep 1000", extra));
  pod = co_await world.wait_for("never", [](const Json& p) {
    return p["status"].contains("containerStatuses") &&
           p["status"]["containerStatuses"][0]["restartCount"] >= 1;
  });
  CHECK(pod["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 143);
}
TEST_CASE("a container that does not start up in time is ended; until then no other probe counts") {
  NEED_NAMESPACES();
  World world("200ms");
  world.run(startups);
}

STORY(names) {
  co_await world.create(
      {{"apiVersion", "v1"},
       {"kind", "Service"},
       {"metadata", {{"name", "web"}}},
       {"spec",
        {{"clusterIP", "None"}, {"selector", {{"app", "web"}}}, {"ports", Json::array({{{"port", 80}}})}}}},
      kServices);
  co_await world.create(World::pod("s", "sleep 1000", {{"labels", {{"app", "web"}}}}));
  Json server = co_await world.wait_phase("s", "Running");
  co_await world.create(World::pod("c", "getent hosts web.default.svc | cut -d' ' -f1"));
  co_await world.wait_phase("c", "Succeeded");
  CHECK((co_await world.log("c")) == string_at(server, {"status", "podIP"}) + "\n");
  co_await world.create(World::pod("u", "true", {{"spec", {{"nodeSelector", {{"disk", "ssd"}}}}}}));
  co_await world.wait_for("u", [](const Json& p) {
    return p["status"].contains("conditions") &&
           p["status"]["conditions"].dump().find("Unschedulable") != std::string::npos;
  });
  auto follow = co_await world.pods().follow_log("s", {{"follow", "true"}});
  CHECK(follow);
}
TEST_CASE("services name pods, and a pod that fits nowhere says why") {
  NEED_NAMESPACES();
  World world;
  world.run(names);
}

// What a port of a pod answers to a GET, or why there is no answer.
static Task<std::string> page(World& world, std::string pod, std::uint16_t port) {
  auto stream = co_await connect_to_pod(world.client(), {"default", pod}, port);
  if (!stream) co_return stream.error().message();
  (*stream)->set_deadline(world.loop().after(10s));
  std::string text;
  if (auto asked = co_await (*stream)->write("GET /hello HTTP/1.0\r\n\r\n"); !asked)
    co_return asked.error().message();
  std::array<char, 1000> buffer;
  while (true) {
    auto count = co_await (*stream)->read_some(buffer);
    if (!count) co_return count.error().message();
    if (*count == 0) co_return text;
    text.append(buffer.data(), *count);
  }
}

STORY(ports) {
  co_await world.create(World::pod("web", "exec python3 -m http.server 8080 --bind $LOCAL --directory /opt"));
  co_await world.wait_phase("web", "Running");
  CHECK_THAT((co_await page(world, "web", 1)),
             Catch::Contains("error forwarding port 1 to pod default/web") && Catch::Contains("refused"));
  const SteadyTime deadline = world.loop().after(20s);
  std::string answer;
  while (!answer.starts_with("HTTP/1.0 200") && world.loop().steady() < deadline) {
    co_await sleep(world.loop(), 20ms);  // until it listens
    answer = co_await page(world, "web", 8080);
  }
  CHECK(answer.ends_with("\r\n\r\nhello from the image\n"));
  co_await world.create(World::pod("over", "true"));
  co_await world.wait_phase("over", "Succeeded");
  CHECK_THAT((co_await page(world, "over", 8080)), Catch::Contains("does not run"));
}
TEST_CASE("the port of a pod is reached through the API server") {
  NEED_NAMESPACES();
  World world;
  world.run(ports);
}
