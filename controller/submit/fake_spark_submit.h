// FakeSparkSubmit stands in for a spark-submit process in front of a FakeApi: it reads its arguments and pod
// templates, creates the driver pod and, last, the pod's config map, in simulated time.
//
//   FakeSparkSubmit process(api);
//   process.script = {.makes_config_map = false, .exit_code = 1, .errors = "boom"};
//   CHECK(process.started.size() == 1);
//
// For this room's tests. Thread: one. Lifetime: the FakeApi outlives it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "controller/application/fake_api.h"
#include "kube/async/child_process.h"
#include "kube/core/yaml.h"

namespace controller {

class FakeSparkSubmit final : public kube::ChildRunner {
 public:
  struct Script {
    kube::Duration takes = std::chrono::seconds(8);  // a quarter of it before the pod is there
    bool makes_pod = true;
    bool makes_config_map = true;
    bool takes_pod_back = false;
    bool hangs = false;  // after what it makes
    int exit_code = 0;
    std::string errors = "";
  };

  explicit FakeSparkSubmit(FakeApi& api) : api_(api) {}

  Script script;
  std::vector<kube::ChildCommand> started;
  int running = 0, most = 0, killed = 0;

  kube::Task<kube::Result<kube::ChildExit>> run(kube::ChildCommand command) override {
    if (command.permit && !command.permit()) co_return kube::fail(kube::ErrorKind::ShuttingDown, "no permit");
    started.push_back(command);
    struct Running {
      FakeSparkSubmit& self;
      bool ended = false;
      explicit Running(FakeSparkSubmit& s) : self(s) { self.most = std::max(self.most, ++self.running); }
      ~Running() {
        --self.running;
        if (!ended) ++self.killed;
      }
    } alive(*this);
    const Script plan = script;
    kube::ChildExit exit;
    exit.errors = plan.errors;
    exit.code = plan.exit_code;
    if (!co_await pass(command, plan.takes / 4, exit)) co_return exit;
    std::string pod;
    if (plan.makes_pod) {
      pod = pod_path(conf(command, "spark.kubernetes.driver.pod.name"));
      if (api_.has(pod)) {
        alive.ended = true;
        exit.code = 1;
        exit.errors += "Failure executing: POST, message: already exists, code=409";
        co_return exit;
      }
      make_pod(api_, command, ++pods_);
    }
    if (!co_await pass(command, plan.takes / 4, exit)) co_return exit;
    if (plan.takes_pod_back)
      api_.change(pod, [&](kube::Json& object) { object["metadata"]["deletionTimestamp"] = api_.now(); });
    if (!pod.empty() && plan.makes_config_map) make_config_map(api_, pod);
    if (!co_await pass(command, plan.hangs ? std::chrono::hours(24) : plan.takes / 2, exit)) co_return exit;
    alive.ended = true;
    co_return exit;
  }

  static std::string conf(const kube::ChildCommand& command, const std::string& key) {
    std::string value;
    for (std::size_t i = 0; i + 1 < command.arguments.size(); ++i) {
      if (command.arguments[i] == "--conf" && command.arguments[i + 1].starts_with(key + "="))
        value = command.arguments[i + 1].substr(key.size() + 1);
    }
    return value;
  }
  static kube::Json driver_template(const kube::ChildCommand& command) {
    return kube::parse_yaml_document(command.folder.files.at("driver-pod-template.yaml"), "template").value();
  }

  // What the process does at the API server.
  static void make_pod(FakeApi& api, const kube::ChildCommand& command, int id) {
    const std::string number = std::to_string(id);
    kube::Json pod = driver_template(command);
    pod["kind"] = "Pod";
    kube::Json& meta = pod["metadata"];
    meta["name"] = conf(command, "spark.kubernetes.driver.pod.name");
    meta["namespace"] = conf(command, "spark.kubernetes.namespace");
    meta["labels"] = {{"spark-role", "driver"}, {"spark-app-selector", "spark-" + number}};
    const std::string prefix = "spark.kubernetes.driver.label.";
    for (const std::string& word : command.arguments) {
      const std::size_t equals = word.find('=');
      if (word.starts_with(prefix) && equals != std::string::npos)
        meta["labels"][word.substr(prefix.size(), equals - prefix.size())] = word.substr(equals + 1);
    }
    pod["spec"]["volumes"] = {{{"name", "spark-conf-volume-driver"},
                               {"configMap", {{"name", "spark-drv-" + number + "-conf-map"}}}}};
    pod["status"] = {{"phase", "Pending"}};
    api.put(pod_path(meta["name"]), std::move(pod));
  }
  static void make_config_map(FakeApi& api, const std::string& pod) {
    const std::string name = api.at(pod)["spec"]["volumes"][0]["configMap"]["name"];
    api.put("/api/v1/namespaces/ns/configmaps/" + name,
            {{"kind", "ConfigMap"}, {"metadata", {{"name", name}, {"namespace", "ns"}}}});
  }

 private:
  // False: it did not live that long; `exit` says why.
  kube::Task<bool> pass(const kube::ChildCommand& command, kube::Duration duration, kube::ChildExit& exit) {
    kube::Loop& loop = api_.server.loop;
    const kube::SteadyTime end = loop.after(duration);
    while (loop.steady() < end) {
      const kube::SteadyTime look = loop.after(std::chrono::milliseconds(500));
      co_await kube::sleep_until(loop, std::min({end, look, command.deadline}));
      if (command.permit && !command.permit()) {
        exit.how = kube::ChildEnd::Revoked;
        co_return false;
      }
      if (loop.steady() >= command.deadline) {
        exit.how = kube::ChildEnd::TimedOut;
        co_return false;
      }
    }
    co_return true;
  }

  FakeApi& api_;
  int pods_ = 0;
};

}  // namespace controller
