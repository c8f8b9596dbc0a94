#include "test/sim/pretend_kubelet.h"

#include "api/constants.h"
#include "kube/async/timer.h"

namespace sim {

using kube::Duration;
using kube::Json;
using kube::ObjectKey;
using kube::Random;
using kube::Task;
using kube::apiserver::ObjectRef;
using namespace std::chrono_literals;

bool is_driver(const Json& pod) {
  return label_of(pod, api::label::kSparkRole) == api::label::kRoleDriver;
}

bool is_connect_server(const Json& pod) {
  return label_of(pod, api::label::kSparkRole) == api::label::kRoleConnectServer;
}

std::string phase_of(const Json& pod) {
  const auto status = pod.find("status");
  return status == pod.end() ? "Pending" : status->value("phase", "Pending");
}

bool has_ended(const Json& pod) {
  const std::string phase = phase_of(pod);
  return phase == "Succeeded" || phase == "Failed";
}

std::string name_of(const Json& object) {
  return kube::string_at(object, {"metadata", "name"});
}

bool is_deleting(const Json& object) {
  return !kube::string_at(object, {"metadata", "deletionTimestamp"}).empty();
}

std::string label_of(const Json& object, const std::string& name) {
  const Json& metadata = object.at("metadata");
  const auto labels = metadata.find("labels");
  return labels == metadata.end() || !labels->is_object() ? "" : labels->value(name, "");
}

std::string owner_uid(const Json& object, const std::string& kind) {
  const Json& metadata = object.at("metadata");
  const auto owners = metadata.find("ownerReferences");
  if (owners == metadata.end()) return "";
  for (const Json& owner : *owners) {
    if (owner.value("kind", "") == kind) return owner.value("uid", "");
  }
  return "";
}

std::optional<int> told_exit_code(const Json& pod) {
  const Json& metadata = pod.at("metadata");
  const auto annotations = metadata.find("annotations");
  if (annotations == metadata.end() || !annotations->is_object()) return std::nullopt;
  const std::string text = annotations->value(kExitCode, "");
  return text.empty() ? std::nullopt : std::optional<int>(std::stoi(text));
}

bool volumes_exist(kube::apiserver::ApiServer& server, const Json& pod) {
  const std::string ns = pod.at("metadata").at("namespace");
  for (const Json& volume : pod.at("spec").value("volumes", Json::array())) {
    const auto map = volume.find("configMap");
    if (map != volume.end() && !server.store().get("configmaps", {ns, map->value("name", "")})) return false;
  }
  return true;
}

PretendKubelet::PretendKubelet(kube::Loop& loop, kube::apiserver::ApiServer& server, const Plan& plan,
                               kube::TaskGroup& tasks)
    : loop_(loop),
      server_(server),
      plan_(plan),
      tasks_(tasks),
      api_{server, "kubelet"},
      longest_run_(plan.longest_run),
      evicts_(!plan.drivers_are_told) {}

void PretendKubelet::run_pod(const ObjectRef& pod) {
  // A chance of its own for each pod: what happens to one does not change with what others do.
  tasks_.spawn("pod " + pod->key().name,
               live(pod->key(), pod->uid(), Random(plan_.seed * 1'000'003 + ++pods_)));
}

ObjectRef PretendKubelet::find(const ObjectKey& key, const std::string& uid) const {
  ObjectRef pod = server_.store().get(kPodTable, key);
  return pod && pod->uid() == uid ? pod : nullptr;
}

Task<> PretendKubelet::set_phase(ObjectRef pod, std::string phase, int exit_code) {
  const std::string now = kube::to_rfc3339(loop_.now());
  const std::string container = pod->json().at("spec").at("containers").at(0).value("name", "");
  Json state{{"running", {{"startedAt", now}}}};
  if (phase != "Running") {
    state = {{"terminated",
              {{"exitCode", exit_code},
               {"reason", exit_code == 0 ? "Completed" : "Error"},
               {"startedAt", now},
               {"finishedAt", now}}}};
  }
  Json status{{"phase", phase},
              {"startTime", now},
              {"containerStatuses", Json::array({{{"name", container},
                                                  {"image", "spark:3.5.7"},
                                                  {"imageID", ""},
                                                  {"ready", phase == "Running"},
                                                  {"restartCount", 0},
                                                  {"state", std::move(state)}}})}};
  if (is_connect_server(pod->json())) {
    const bool runs = phase == "Running";
    status["podIP"] = "10.244.0.8";
    status["containerStatuses"][0]["started"] = runs;
    status["conditions"] = Json::array({{{"type", "Ready"}, {"status", runs ? "True" : "False"}}});
    if (!runs) status["reason"] = "Evicted";
  }
  (void)co_await api_.merge(pod_path(pod->key()) + "/status", Json{{"status", std::move(status)}});
}

Task<> PretendKubelet::create_executors(ObjectRef driver, int count) {
  const Json& pod = driver->json();
  for (int i = 1; i <= count; ++i) {
    Json labels{{api::label::kSparkRole, api::label::kRoleExecutor},
                {api::label::kSparkExecutorId, std::to_string(i)},
                {api::label::kLaunchedByOperator, "true"}};
    for (const char* copied : {api::label::kAppName, api::label::kSubmissionId, api::label::kSparkAppSelector,
                               api::label::kConnectName}) {
      const std::string value = label_of(pod, copied);
      if (!value.empty()) labels[copied] = value;
    }
    Json executor{
        {"apiVersion", "v1"},
        {"kind", "Pod"},
        {"metadata",
         {{"name", driver->key().name + "-" + driver->uid().substr(0, 5) + "-exec-" + std::to_string(i)},
          {"namespace", driver->key().ns},
          {"labels", std::move(labels)},
          {"ownerReferences", Json::array({{{"apiVersion", "v1"},
                                            {"kind", "Pod"},
                                            {"name", driver->key().name},
                                            {"uid", driver->uid()},
                                            {"controller", true}}})}}},
        {"spec",
         {{"restartPolicy", "Never"},
          {"containers", Json::array({{{"name", api::container::kExecutor}, {"image", "spark:3.5.7"}}})}}}};
    (void)co_await api_.send("POST", pods_path(driver->key().ns), std::move(executor));
  }
}

Task<> PretendKubelet::remove_executors(ObjectRef driver) {
  for (const ObjectRef& pod : server_.store().list(kPodTable, driver->key().ns)) {
    if (owner_uid(pod->json(), "Pod") == driver->uid())
      (void)co_await api_.send("DELETE", pod_path(pod->key()));
  }
}

Task<> PretendKubelet::live(ObjectKey key, std::string uid, Random random) {
  enum class Stage { Unbound, Pending, Running, Ended } stage = Stage::Unbound;
  const auto draw = [&](Duration longest) {
    return Duration(static_cast<Duration::rep>(static_cast<double>(longest.count()) * random.unit()));
  };
  kube::SteadyTime due = loop_.after(draw(300ms));
  while (true) {
    ObjectRef pod = find(key, uid);
    if (!pod) co_return;
    const bool driver = is_driver(pod->json());
    const bool server = is_connect_server(pod->json());
    if (pod->is_terminating()) {
      co_await kube::sleep(loop_, draw(3s));
      if (find(key, uid)) {
        Json options{{"gracePeriodSeconds", 0}, {"preconditions", {{"uid", uid}}}};
        (void)co_await api_.send("DELETE", pod_path(key), std::move(options));
      }
      co_return;
    }
    const std::optional<int> told = told_exit_code(pod->json());
    if (stage == Stage::Running && told) due = loop_.steady();
    if (loop_.steady() < due) {
      (void)co_await server_.store().changed(kPodTable).wait_until(due);
      continue;
    }
    switch (stage) {
      case Stage::Unbound:
        (void)co_await api_.send(
            "POST", pod_path(key) + "/binding",
            Json{{"apiVersion", "v1"},
                 {"kind", "Binding"},
                 {"metadata", {{"name", key.name}, {"namespace", key.ns}}},
                 {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", "node-1"}}}});
        stage = Stage::Pending;
        due = loop_.after(draw(1s));
        break;
      case Stage::Pending:
        if (!volumes_exist(server_, pod->json())) {
          due = loop_.after(500ms);
          break;
        }
        co_await set_phase(pod, "Running", 0);
        stage = Stage::Running;
        if (plan_.drivers_are_told) {
          due = kube::kNever;
          if (driver || server) co_await create_executors(pod, kExecutors);
          break;
        }
        if (server) {
          due = evicts_ && random.chance(0.3) ? loop_.after(draw(60s)) : kube::kNever;
          co_await create_executors(pod, kExecutors);
          break;
        }
        due = driver ? loop_.after(draw(longest_run_)) : kube::kNever;
        if (driver) co_await create_executors(pod, static_cast<int>(random.below(3)));
        break;
      case Stage::Running: {
        const int code = told ? *told : !server && random.chance(plan_.driver_success) ? 0 : 1;
        co_await set_phase(pod, code == 0 ? "Succeeded" : "Failed", code);
        stage = Stage::Ended;
        due = kube::kNever;
        co_await remove_executors(pod);
        break;
      }
      case Stage::Ended:
        due = kube::kNever;
        break;
    }
  }
}

}  // namespace sim
